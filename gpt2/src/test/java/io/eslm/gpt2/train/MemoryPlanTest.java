// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.Gpt2Config;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MemoryPlanTest {
    /** The most that one array of TornadoVM holds: it counts elements with an int. */
    private static final long ARRAY = 4L * (Integer.MAX_VALUE - 64);
    private static final Gpt2Config SMALL = Gpt2Config.of(12, 12, 768, 1024);
    private static final Gpt2Config XL = Gpt2Config.of(48, 25, 1600, 1024);

    private static long[] card(double gigabytes) {
        long bytes = (long) (gigabytes * 1e9 * 3 / 4);
        long[] arrays = new long[(int) ((bytes + ARRAY - 1) / ARRAY)];
        Arrays.fill(arrays, ARRAY);
        arrays[arrays.length - 1] = bytes - ARRAY * (arrays.length - 1);
        return arrays;
    }

    @Test
    void itIsTheNeedOfTraining() {
        for (Gpt2Config config : List.of(SMALL, XL, SMALL.with(Gpt2Config.TIE_WORD_EMBEDDINGS, false))) {
            assertEquals(MemoryNeed.ofTraining(config, 8), MemoryPlan.ofTraining(config, 8).bytes(), 1);
        }
    }

    /** 9.4 GB, more than one array can hold, on a card of 16 GB. */
    @Test
    void gpt2OfEightTimes1024TokensFitsInTwoArrays() {
        MemoryPlan plan = MemoryPlan.ofTraining(SMALL, 8);
        assertTrue(plan.bytes() > ARRAY, "one array is not enough");
        assertFalse(plan.place(ARRAY).isPresent());
        List<Map<String, Double>> arrays = plan.place(card(16)).orElseThrow();
        assertEquals(2, arrays.size());
        assertEquals(4 * 124439808.0, arrays.getFirst().get("weights"));
        assertEquals(plan.bytes(), arrays.stream().flatMap(a -> a.values().stream()).mapToDouble(b -> b).sum(), 1);
        String text = plan.text(card(16));
        assertTrue(text.startsWith("array 1 of 8.6 GB: weights 0.50, gradients 0.50, first moments 0.50"), text);
    }

    @Test
    void gpt2XlFitsOnACardOf80Gigabytes() {
        assertTrue(MemoryPlan.ofTraining(XL, 5).place(card(80)).isPresent());
        List<Map<String, Double>> arrays = MemoryPlan.ofTraining(XL, 4).place(card(80)).orElseThrow();
        assertTrue(arrays.stream().filter(a -> a.keySet().stream().anyMatch(w -> w.contains("moments"))).count() > 1,
                "the moments are in more than one array: " + arrays);
        assertFalse(MemoryPlan.ofTraining(XL, 1).place(card(24)).isPresent());
    }

    @Test
    void scoresInMemoryArePlanned() {
        MemoryPlan plan = MemoryPlan.ofTraining(SMALL, 8);
        assertEquals(plan.text(card(16)), plan.withScores(0).text(card(16)));
        assertEquals(plan.bytes() + 5e8, plan.withScores(500_000_000).bytes());
        String text = plan.withScores(500_000_000).text(card(16));
        assertTrue(text.contains("scores 0.50"), text);
    }

    @Test
    void aTensorLiesInOneArray() {
        MemoryPlan one = new MemoryPlan(List.of(new MemoryPlan.Tensors("x", 1, 30)));
        assertFalse(one.place(100, 100).isPresent(), "120 bytes");
        assertTrue(one.place(100, 120).isPresent());
        MemoryPlan three = new MemoryPlan(List.of(new MemoryPlan.Tensors("x", 3, 20)));
        assertEquals(List.of(Map.of("x", 80.0), Map.of("x", 160.0)), three.place(150, 170).orElseThrow());
    }
}
