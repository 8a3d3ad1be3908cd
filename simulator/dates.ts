/** Go's zero time: "none". */
export const ZERO_DATE = '0001-01-01T00:00:00Z';

export interface DateStyle {
  /** Digits below the millisecond. */
  readonly nanoseconds?: number;
  readonly offsetMinutes?: number;
}

/** As Go writes it: up to nine digits of a second without trailing zeros, `Z` for offset 0. */
export function date(moment: number, { nanoseconds = 0, offsetMinutes = 0 }: DateStyle = {}): string {
  const [dateTime = '', milliseconds = ''] = new Date(moment + offsetMinutes * 60_000)
    .toISOString()
    .slice(0, -1)
    .split('.');
  const fraction = `${milliseconds}${String(nanoseconds).padStart(6, '0')}`.replace(/0+$/, '');
  return `${dateTime}${fraction && `.${fraction}`}${offset(offsetMinutes)}`;
}

export function wholeSeconds(moment: number, offsetMinutes = 0): string {
  return date(Math.floor(moment / 1_000) * 1_000, { offsetMinutes });
}

function offset(minutes: number): string {
  if (minutes === 0) return 'Z';
  const twoDigits = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${twoDigits(size / 60)}:${twoDigits(size % 60)}`;
}
