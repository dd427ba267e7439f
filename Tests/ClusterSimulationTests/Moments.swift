// Wall clocks that people turn.

import Resources

extension Moment {
    /// The same moment as a host sees it whose wall clock is off. Nobody can turn the other clock.
    func withWall(turnedBy offset: Duration) -> Moment {
        offset == .zero ? self : Moment(instant: instant, wall: wall.advanced(by: offset))
    }
}
