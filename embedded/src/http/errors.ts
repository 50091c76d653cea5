/** An error the client gets as `{ code, message }` with a status of its own. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

export function badRequest(code: string, message: string): ApiError {
  return new ApiError(400, code, message);
}

/** What is sent for an error nobody foresaw: nothing about its inside. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(
    500,
    "InternalServerError",
    "Your request couldn't be completed. Try again later.",
  );
}
