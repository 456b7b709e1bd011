// From values to pixels, to scale.
export type Scale = (value: number) => number;

export const linear = (first: number, last: number, from: number, until: number): Scale => {
  const span = last - first || 1;
  return (value) => from + ((value - first) / span) * (until - from);
};

// Digits in threes, with thin spaces; the number stays the number.
export const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, '\u202f');
