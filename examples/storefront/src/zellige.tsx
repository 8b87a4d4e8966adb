// The shop's pattern: eight-pointed stars and what is between them.
export const Zellige = () => (
  <svg className="zellige" aria-hidden="true" preserveAspectRatio="xMidYMid slice" viewBox="0 0 480 720">
    <defs>
      <pattern id="stars" width="96" height="96" patternUnits="userSpaceOnUse">
        <rect width="96" height="96" fill="#0b5d4e" />
        <g fill="#e9dcc3"><rect x="26" y="26" width="44" height="44" /><rect x="26" y="26" width="44" height="44" transform="rotate(45 48 48)" /></g>
        <g fill="#0e7c66"><rect x="33" y="33" width="30" height="30" /><rect x="33" y="33" width="30" height="30" transform="rotate(45 48 48)" /></g>
        <circle cx="48" cy="48" r="8" fill="#c96f43" />
        <g fill="#123f4a">{[[0, 0], [96, 0], [0, 96], [96, 96]].map(([x, y]) => <path key={`${x} ${y}`} d="M0-24 7-7 24 0 7 7 0 24-7 7-24 0-7-7Z" transform={`translate(${x} ${y})`} />)}</g>
        <g stroke="#e9dcc3" strokeWidth="1.6" opacity=".55"><path d="M48 0v17M48 79v17M0 48h17M79 48h17" /></g>
      </pattern>
      <linearGradient id="dusk" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stopColor="#0b2f2a" stopOpacity="0" /><stop offset="1" stopColor="#0b2f2a" stopOpacity=".55" /></linearGradient>
    </defs>
    <rect width="480" height="720" fill="url(#stars)" /><rect width="480" height="720" fill="url(#dusk)" />
  </svg>
)
