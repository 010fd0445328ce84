/** Images one after the other in one vector. */
export function joinImages(images: readonly Float32Array[]): Float32Array {
  const values = new Float32Array(images.reduce((length, image) => length + image.length, 0));
  let position = 0;
  for (const image of images) {
    values.set(image, position);
    position += image.length;
  }
  return values;
}
