// The post step. It only has work to do if the step left runners drained, or is not sure of it, and only then is the rest loaded.
export {};
if (process.env['STATE_drains'])
    await import('./index.js');
