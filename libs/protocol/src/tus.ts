/** The version of the protocol that both sides name. @see https://tus.io/protocols/resumable-upload */
export const TUS_VERSION = '1.0.0';

/** The content type of a request that carries bytes of an upload. */
export const OFFSET_TYPE = 'application/offset+octet-stream';
