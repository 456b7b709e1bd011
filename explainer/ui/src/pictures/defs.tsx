// Fills that say what a colour alone would not: hatched where something is ended, dotted where it is unknown.
export const Defs = ({ id }: { id: string }) => (
  <defs>
    <pattern id={`${id}-hatch`} width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
      <path class="hatch" d="M0 0v7" />
    </pattern>
    <pattern id={`${id}-dots`} width="7" height="7" patternUnits="userSpaceOnUse">
      <circle class="dot" cx="2" cy="2" r="1" />
    </pattern>
    <marker id={`${id}-arrow`} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">
      <path class="arrow" d="M0 .8 7.4 4 0 7.2z" />
    </marker>
  </defs>
);
