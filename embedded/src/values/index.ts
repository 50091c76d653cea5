export { displayBytes, displayValue } from "./display.js";
export { decodeId, encodeId, tableNumberOf, type DecodedId } from "./id.js";
export {
  checkFieldName,
  checkIdentifier,
  convexSize,
  MAX_VALUE_NESTING,
  measureValue,
  normalizeValue,
  type NormalizedValue,
  type ValueMeasure,
} from "./normalize.js";
export { AFTER_PREFIX, orderKey, valueAt } from "./order-key.js";
export {
  decodeFloat,
  decodeInt64,
  encodeInt64,
  isObject,
  specialOf,
} from "./special.js";
export {
  argumentValidationError,
  displayValidator,
  returnsValidationError,
  validationError,
  type TableResolver,
  type ValidatorJSON,
} from "./validator.js";
