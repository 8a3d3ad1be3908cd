import { endProcessWithin } from './clock.ts';
import { cancelOnSignals } from './signals.ts';

// Signals come first: to load the rest takes a quarter of a second, in which a signal would end the step without any outputs.
const signal = cancelOnSignals();
const { main } = await import('./main.ts');
await main(signal, endProcessWithin);
