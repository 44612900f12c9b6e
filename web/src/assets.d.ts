/** Files that vite turns into URLs. */
declare module '*.svg' {
  const url: string;
  export default url;
}
