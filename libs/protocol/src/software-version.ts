/** Of this installation, as its packages state it. What is recorded names the version that wrote it. */
export const SOFTWARE_VERSION = '0.1.0';
