// All chance of a simulated world, from one seed. Each name has a stream of its own, so that one draw more in one place
// changes nothing in any other.

export interface Chance {
  /** From 0 up to but not including 1. */
  draw(name: string): number;
  /** A whole number from `min` to `max`. */
  integer(name: string, min: number, max: number): number;
  pick<T>(name: string, choices: readonly [T, ...T[]]): T;
  /** True in this share of the draws. */
  happens(name: string, share: number): boolean;
}

/** The same seed, names and number of draws give the same numbers on every machine: whole-number arithmetic alone. */
export function chanceOf(seed: number): Chance {
  const streams = new Map<string, { state: number }>();
  const draw = (name: string): number => {
    let stream = streams.get(name);
    if (stream === undefined) {
      stream = { state: hash(`${seed}/${name}`) };
      streams.set(name, stream);
    }
    stream.state = (stream.state + 0x9e3779b9) | 0;
    return mixed(stream.state) / 2 ** 32;
  };
  const integer = (name: string, min: number, max: number): number =>
    min + Math.floor(draw(name) * (max - min + 1));
  return {
    draw,
    integer,
    pick: (name, choices) => choices[integer(name, 0, choices.length - 1)] ?? choices[0],
    happens: (name, share) => draw(name) < share,
  };
}

/** FNV-1a. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  return state;
}

/** The finish of splitmix32 (Steele, Lea and Flood, 2014, in its 32-bit form): neighbouring states, unrelated numbers. */
function mixed(state: number): number {
  let z = state ^ (state >>> 16);
  z = Math.imul(z, 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}
