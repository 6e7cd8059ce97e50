/** A duration as a clock shows it: "0:05", "12:34", "1:02:03". */
export function clockDuration(milliseconds: number): string {
  const total = Math.max(0, Math.floor(milliseconds / 1000));
  const seconds = twoDigits(total % 60);
  const minutes = Math.floor(total / 60) % 60;
  const hours = Math.floor(total / 3600);
  return hours === 0 ? `${minutes}:${seconds}` : `${hours}:${twoDigits(minutes)}:${seconds}`;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, "0");
}
