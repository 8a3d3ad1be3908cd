import { endProcessWithin } from './clock.ts';
import { main } from './main.ts';

await main(endProcessWithin);
