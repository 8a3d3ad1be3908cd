// The post step. It only has work to do if the step was killed and left runners drained, and only then is the rest loaded.
export {};
if (process.env['STATE_drains'])
    await import('./index.js');
