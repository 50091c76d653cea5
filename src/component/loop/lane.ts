/**
 * The executors for one kind of work, ordinary or long, and the places in them: free
 * slots, slots of wider leases, and room beyond the slots for short works ("ahead").
 * Pure. A lane does not know the limit: it widens by what `room.ts` grants, and gives up
 * free slots when `room.ts` asks for them.
 */
import { type ExecutorView, freeSlots, leaseOf, roomAhead } from "./lease.js";

/** Where works go. */
export type Target =
  | { kind: "executor"; id: string }
  /** The n-th of the plan's new executors. */
  | { kind: "new"; index: number };

/** An executor that is widened up to this before others are started. */
export type Favored = { id: string; width: number };

/** Room for works, of free slots or ahead. */
export type Place = {
  target: Target;
  /** The executor of it; null where it is new. */
  open: Open | null;
  free: number;
  ahead: boolean;
};

/** An open executor, and what the plan makes of it. */
type Open = { view: ExecutorView; width: number; placed: number };

/** Works that one place ahead takes, before it is the next executor's turn. */
const AHEAD_SHARE = 8;

export class Lane {
  /** The widths that the plan changes, by the executor's id. */
  readonly leases = new Map<string, number>();
  /** How many executors accept such works, new ones included. */
  accepting: number;
  private readonly open: readonly Open[];
  private places: Place[];
  /** Null once it was widened. */
  private favored: { open: Open; width: number } | null;
  /** Whether room ahead was not offered yet, and may be. */
  private mayWorkAhead = true;

  /** @param waiting - How many works wait for a place here. */
  constructor(
    readonly long: boolean,
    executors: readonly ExecutorView[],
    public waiting: number,
    favored: Favored | null,
  ) {
    const own = executors.filter((each) => each.long === long);
    // Of short works, one that takes nothing further counts until it is over.
    this.accepting = own.filter(({ drains }) => !drains).length;
    this.open = own
      .filter(({ closing }) => !closing)
      .sort((a, b) => freeSlots(b) - freeSlots(a))
      .map((view) => ({ view, width: leaseOf(view), placed: 0 }));
    this.places = this.open.map((open) => placeIn(open, freeSlots(open.view)));
    const first = this.open.find(({ view }) => view.id === favored?.id);
    this.favored =
      first && favored ? { open: first, width: favored.width } : null;
  }

  /** The next place with room; null if there is none for the present. */
  next(): Place | null {
    while (this.places[0]?.free === 0) this.places.shift();
    return this.places[0] ?? null;
  }

  take(place: Place, works: number): void {
    place.free -= works;
    if (place.open) place.open.placed += works;
    this.waiting -= works;
  }

  /** Slots in which nothing runs, of new executors, too. */
  get free(): number {
    return this.places.reduce(
      (sum, each) => sum + (each.ahead ? 0 : each.free),
      0,
    );
  }

  /** Whether an open executor could make use of a wider lease. */
  get awake(): boolean {
    return this.open.some(({ view }) => !view.asleep);
  }

  /** Whether anybody will ask for more. */
  get isOpen(): boolean {
    return this.open.length > 0;
  }

  addNew(target: Target, width: number): void {
    this.accepting += 1;
    this.places.push({ target, open: null, free: width, ahead: false });
  }

  /** @returns how many of `most` slots it makes use of, and so of the other two. */
  widenFavored(most: number): number {
    const { favored } = this;
    if (!favored || most < 1) return 0;
    this.favored = null;
    const { open, width } = favored;
    return this.widen(open, Math.min(most, width - open.width));
  }

  widenAny(most: number): number {
    const awake = this.open.find(({ view }) => !view.asleep);
    return awake ? this.widen(awake, most) : 0;
  }

  private widen(open: Open, by: number): number {
    if (by <= 0) return 0;
    // What was handed over ahead takes the new slots first.
    const ahead = Math.max(0, open.view.inFlight + open.placed - open.width);
    this.setWidth(open, open.width + by);
    this.places.push(placeIn(open, Math.max(0, by - ahead)));
    return by;
  }

  /** Gives up free slots of open executors. @returns how many, `most` at most. */
  giveUp(most: number): number {
    let given = 0;
    for (const open of this.open) {
      const place = this.places.find(
        (each) => !each.ahead && each.open === open,
      );
      const slots = Math.min(most - given, place?.free ?? 0);
      if (!place || slots <= 0) continue;
      place.free -= slots;
      given += slots;
      this.setWidth(open, open.width - slots);
    }
    return given;
  }

  private setWidth(open: Open, width: number): void {
    open.width = width;
    this.leases.set(open.view.id, width);
  }

  /** The last resort, offered once: room beyond the slots. @returns whether it was now. */
  offerAhead(): boolean {
    if (!this.mayWorkAhead) return false;
    this.mayWorkAhead = false;
    this.places = shares(
      this.open.map((open) => ({ open, room: roomBeyond(open) })),
    );
    return true;
  }

  /** Others wait for slots: whoever works ahead here shall come to an end. */
  stopAhead(): void {
    this.mayWorkAhead = false;
  }
}

function placeIn(open: Open, free: number, ahead = false): Place {
  return { target: { kind: "executor", id: open.view.id }, open, free, ahead };
}

/** Room ahead under the width that the plan gives it. */
function roomBeyond({ view, width, placed }: Open): number {
  return roomAhead({
    ...view,
    // What runs under an older, wider lease is counted, and gives no right to more.
    width: width > leaseOf(view) ? width : Math.min(width, view.width),
    peak: view.peak > view.width ? view.peak : width,
    inFlight: view.inFlight + placed,
  });
}

/** Room ahead goes round in small shares: what waits is spread, however little it is. */
function shares(rooms: readonly { open: Open; room: number }[]): Place[] {
  const places: Place[] = [];
  let left = rooms.filter(({ room }) => room > 0).map((each) => ({ ...each }));
  while (left.length > 0) {
    for (const each of left) {
      const free = Math.min(each.room, AHEAD_SHARE);
      places.push(placeIn(each.open, free, true));
      each.room -= free;
    }
    left = left.filter(({ room }) => room > 0);
  }
  return places;
}
