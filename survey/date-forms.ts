import type { Instance } from '../src/controller/instance.ts';

/** The dates that the action reads. */
export const DATES = ['ts', 'timestamp', 'start_date', 'stop_date'] as const;
export type DateField = (typeof DATES)[number];

/** How a date is written: with so many digits after the second, and in which zone. */
export type DateForm = 'none' | `${'whole seconds' | 'fractions'}, ${'UTC' | 'offset'}`;

/** The forms in which each date was written. */
export function dateFormsOf(instances: readonly Instance[]): Record<DateField, DateForm[]> {
  const forms = (read: (instance: Instance) => string | undefined) =>
    [...new Set(instances.flatMap((instance) => formOf(read(instance)) ?? []))].sort();
  return {
    ts: forms(({ updatedAt }) => updatedAt?.text),
    timestamp: forms(({ reportedAt }) => reportedAt?.text),
    start_date: forms(({ startDate, startDateText }) => startDate?.text ?? (startDateText && NONE)),
    stop_date: forms(({ stopDate }) => stopDate?.text),
  };
}

/** Stands for a text that is no date, such as Go's zero time. */
const NONE = 'none';

function formOf(text: string | undefined): DateForm | undefined {
  if (text === undefined) return undefined;
  if (text === NONE) return 'none';
  const precision = text.includes('.') ? 'fractions' : 'whole seconds';
  return `${precision}, ${/(?:[Zz]|[+-]00:00)$/.test(text) ? 'UTC' : 'offset'}`;
}
