// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import java.util.ArrayList;
import java.util.Arrays;
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
    void memoryIsInAsFewArraysAsFit() {
        assertArrayEquals(new int[] {960}, Arenas.sizes(4 * 1000, 1L << 40), "a multiple of 64");
        assertArrayEquals(new int[] {1024, 1024, 512}, Arenas.sizes(4 * 2560, 4 * 1024));
        assertArrayEquals(new int[] {1024, 1024}, Arenas.sizes(4 * 2048, 4 * 1087));
        int[] large = Arenas.sizes(60L << 30, Long.MAX_VALUE);
        assertEquals(8, large.length, "an array has fewer than 2^31 floats");
        assertEquals(60L << 28, Arrays.stream(large).asLongStream().sum());
    }

    @Test
    void whatFindsNoRoomInOneArrayIsInTheNext() {
        Arenas arenas = new Arenas(new int[] {1040, 1040, 528}, "!", false);
        assertEquals(new Arenas.Place(0, 16), arenas.tryAllocate(1000));
        assertEquals(new Arenas.Place(1, 16), arenas.tryAllocate(600));
        assertEquals(new Arenas.Place(2, 16), arenas.tryAllocate(500));
        assertEquals(new Arenas.Place(1, 624), arenas.tryAllocate(400));
        assertEquals(new Arenas.Place(0, 1024), arenas.tryAllocate(16), "what is left of the first one");
        assertNull(arenas.tryAllocate(100), "no array has so many in one range");
        assertEquals(
                "backend 'tornado': no room for 1,030 more floats in one range; 2,544 of 2,608 in 3 arrays are in use, and the "
                        + "largest free range has 16. Use a smaller batch size, and more gradient accumulation for the same step!",
                arenas.full(1030).getMessage());
        arenas.free(new Arenas.Place(1, 16), 600);
        assertEquals(new Arenas.Place(1, 16), arenas.tryAllocate(100));
    }

    @Test
    void settingsSayWhatIsWrong() {
        assertEquals(new Settings(0, 0, 0, 0, null, null, null, true), Settings.of(Map.of()));
        assertEquals(new Settings(1, 2, 3L << 29, 64 << 20, Products.TF32, "/x/libcublas.so", Attend.TILES,
                false),
                Settings.of(Map.of(Settings.DEVICE, "1:2", Settings.MEMORY, "1.5g", Settings.ARRAY, "64m",
                        Settings.PRODUCTS, "tf32", Settings.CUBLAS, "/x/libcublas.so", Settings.ATTENTION, "tiles",
                        Settings.PROGRAMS, "off")));
        for (Map<String, String> bad : List.of(Map.of(Settings.DEVICE, "1"), Map.of(Settings.DEVICE, "a:b"),
                Map.of(Settings.DEVICE, "0:-1"), Map.of(Settings.MEMORY, "much"), Map.of(Settings.MEMORY, "100"),
                Map.of(Settings.MEMORY, "-1g"), Map.of(Settings.ARRAY, "1"),
                Map.of(Settings.PRODUCTS, "fp8"), Map.of(Settings.PRODUCTS, ""),
                Map.of(Settings.ATTENTION, "flash"), Map.of(Settings.PROGRAMS, "no"))) {
            UserError e = assertThrows(UserError.class, () -> Settings.of(bad));
            assertTrue(e.getMessage().startsWith(bad.keySet().iterator().next() + "="), e::getMessage);
        }
    }
}
