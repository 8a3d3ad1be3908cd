import { cancelOnSignals, endProcessWithin } from './process.ts';

// The chunk's name keeps the name of its file in dist from changing with each build.
// Signals come first: loading the rest takes a quarter of a second, during which a signal would end the step without outputs.
const signal = cancelOnSignals();
const { main } = await import(/* webpackChunkName: "step" */ './main.ts');
await main(signal, endProcessWithin);
