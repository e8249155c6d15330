// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ArenaTest {
    private record Range(int from, int size) {
    }

    @Test
    void rangesNeverOverlapAndAllComeBack() {
        int capacity = 1 << 14;
        Arena arena = new Arena("floats", 1, capacity, "");
        Rng rng = Rng.of(5);
        List<Range> held = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            int size = rng.nextInt(300);
            int from = arena.tryAllocate(size);
            if (from < 0 || rng.nextInt(3) == 0) {
                Range gone = held.isEmpty() ? null : held.remove(rng.nextInt(held.size()));
                if (gone != null) {
                    arena.free(gone.from(), gone.size());
                }
            }
            if (from >= 0) {
                assertTrue(from > 0 && from + size <= capacity, "inside, and not where the first element is kept");
                for (Range r : held) {
                    assertTrue(from + Math.max(1, size) <= r.from() || r.from() + Math.max(1, r.size()) <= from,
                            "apart from all others");
                }
                held.add(new Range(from, size));
            }
        }
        held.forEach(r -> arena.free(r.from(), r.size()));
        assertEquals(0, arena.used());
        assertEquals(16, arena.tryAllocate(capacity - 16), "one range again");
        assertEquals(-1, arena.tryAllocate(1));
        assertTrue(arena.full(5).getMessage().contains("no room for 5 more floats"), arena.full(5)::getMessage);
    }

    @Test
    void settingsSayWhatIsWrong() {
        assertEquals(new Settings(0, 0, 0, null, null, true), Settings.of(Map.of()));
        assertEquals(new Settings(1, 2, 3L << 29, Products.TF32, "/x/libcublas.so", true),
                Settings.of(Map.of(Settings.DEVICE, "1:2", Settings.MEMORY, "1.5g", Settings.PRODUCTS, "tf32",
                        Settings.CUBLAS, "/x/libcublas.so")));
        for (Map<String, String> bad : List.of(Map.of(Settings.DEVICE, "1"), Map.of(Settings.DEVICE, "a:b"),
                Map.of(Settings.DEVICE, "0:-1"), Map.of(Settings.MEMORY, "much"), Map.of(Settings.MEMORY, "100"),
                Map.of(Settings.MEMORY, "-1g"),
                Map.of(Settings.PRODUCTS, "fp8"), Map.of(Settings.PRODUCTS, ""))) {
            UserError e = assertThrows(UserError.class, () -> Settings.of(bad));
            assertTrue(e.getMessage().startsWith(bad.keySet().iterator().next() + "="), e::getMessage);
        }
    }
}
