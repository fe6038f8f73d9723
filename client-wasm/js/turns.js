// What the engine can be asked for: the numbers are those of src/engine.rs.

export const MOUNT = 0, UNMOUNT = 1, EVENT = 2, EDIT = 3, COMMIT = 4, CALL = 5, SET = 6, GUESS = 7, RELEASE = 8, PROPS = 9,
  TEMPLATE = 10, TIMER = 11, WAKE = 12, LEAVE = 13, STATE = 14, LOADING = 15, SOCKET = 16, START = 17, KEEP = 18, ANEW = 19, LIMIT = 20;
