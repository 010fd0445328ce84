import { registerHooks } from 'node:module';

/** Node modules that open connections, or start a program that could. */
const REFUSED_MODULES =
  /^(?:node:)?(?:http|https|http2|net|tls|dgram|dns|dns\/promises|inspector|inspector\/promises|child_process|cluster)$/;
const REFUSED_GLOBALS = ['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest'] as const;

/**
 * Takes the network away from this process, before anything else is loaded: the modules cannot be imported or required,
 * the global functions are gone. It catches a library that starts to call home; the import test proves that our own code
 * never asks, and the operating system's rules (docs/explanation-what-leaves-the-site.md) stop native code.
 */
export function refuseNetwork(): void {
  registerHooks({
    resolve(specifier, context, next) {
      if (REFUSED_MODULES.test(specifier)) throw refusal(specifier);
      return next(specifier, context);
    },
  });
  const getBuiltinModule = process.getBuiltinModule.bind(process);
  Object.defineProperty(process, 'getBuiltinModule', {
    value: (id: string) => {
      if (REFUSED_MODULES.test(id)) throw refusal(id);
      return getBuiltinModule(id);
    },
  });
  for (const name of REFUSED_GLOBALS) Reflect.deleteProperty(globalThis, name);
}

function refusal(specifier: string): Error {
  return new Error(`the trainer has no network: ${specifier} is refused`);
}
