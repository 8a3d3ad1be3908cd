// The post step. Only if the step was killed and has left runners drained there is something to do, and only then is it loaded.

export {};

if (process.env['STATE_drains']) await import('./index.ts');
