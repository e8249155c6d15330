// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;

class RunSoakTest {
    private static final Path TEMPORARY = Path.of(System.getProperty("java.io.tmpdir"));

    private static List<SoakPoint> points(int n, IntFunction<SoakPoint> point) {
        List<SoakPoint> points = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            points.add(point.apply(i));
        }
        return points;
    }

    private static SoakPoint flat(int i, long heap, long handles) {
        return new SoakPoint(60.0 * i, i, heap, 30_000_000, 0, 500_000_000, handles, 10);
    }

    private static List<String> tooMuch(List<SoakPoint> points) {
        return SoakGrowth.of(points).stream().filter(SoakGrowth::exceeds).map(SoakGrowth::figure).toList();
    }

    @Test
    void findsALeak() {
        List<SoakPoint> leak = points(41, i -> flat(i, 20_000_000 + i * 200_000L, 40 + i));
        assertEquals(List.of("heap", "handles"), tooMuch(leak));
        assertEquals(0.2 * 36, SoakGrowth.of(leak).getFirst().growth(), 1e-9, "from the fourth minute to the fortieth");
    }

    /** Compilation and first use, up to a tenth of the time, and a figure that goes up and down, are no leaks. */
    @Test
    void warmUpAndWavesAreNoLeaks() {
        assertEquals(List.of(), tooMuch(points(41, i -> flat(i, i < 4 ? 1_000_000 : 60_000_000, i < 4 ? 10 : 40))));
        assertEquals(List.of(), tooMuch(points(41, i -> flat(i, 20_000_000 + i % 2 * 9_000_000, 40))));
        assertEquals(List.of(), SoakGrowth.of(points(9, i -> flat(i, 1, 1))), "too few points");
    }

    /** One run, stopped and resumed, then evaluated, scored and sampled from; no file stays. */
    @Test
    void runsAndCleansUp() {
        List<SoakPoint> heard = new ArrayList<>();
        List<Path> before = folders();
        List<SoakPoint> points = RunSoak.run("auto", 1, 1e-4, heard::add);
        assertEquals(points, heard);
        assertEquals(1, points.getLast().runs());
        assertTrue(points.getLast().heapBytes() > 0 && points.getLast().threads() > 0);
        assertFalse(points.getLast().residentBytes() == 0);
        assertEquals(before, folders());
    }

    private static List<Path> folders() {
        File[] all = TEMPORARY.toFile().listFiles((_, name) -> name.startsWith("eslm-soak"));
        return Arrays.stream(all).map(File::toPath).sorted().toList();
    }
}
