/** Every word that the pages show; to translate the pages, translate this file. */
export const words = {
  listen: {
    title: "Live captions",
  },
  speak: {
    title: "Speak",
  },
} as const;
