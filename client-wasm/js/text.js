// Texts, compared.

/** How many characters two texts have in common at the beginning, and how many behind that at the end. */
export const common = (one, other) => {
  let a = 0, z = 0;
  const most = Math.min(one.length, other.length);
  while (a < most && one[a] === other[a]) a++;
  while (z < most - a && one[one.length - 1 - z] === other[other.length - 1 - z]) z++;
  return [a, z];
};
