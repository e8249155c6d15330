// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.bench.offload.StepView.Gain;
import io.eslm.bench.offload.StepView.Move;
import io.eslm.bench.offload.StepView.OnEngine;
import io.eslm.bench.offload.StepView.Part;
import io.eslm.bench.offload.StepView.Sized;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Amdahl's law over made-up times, and a real step. */
class StepViewTest {
    private static final double EXACT = 1e-12;

    private static Curve curve(String engine, double at32, double at64) {
        Curve curve = new Curve(engine);
        curve.seconds().put(32, Estimate.of(at32, at32));
        curve.seconds().put(64, Estimate.of(at64, at64));
        return curve;
    }

    @Test
    void whatMovesTakesItsTimeByTheCurvesAndTheRestStays() {
        OnEngine slow = new OnEngine("slow", 10, 3, List.of(
                new Part("matmul", 6, List.of(new Sized(32, 2), new Sized(64, 4))), new Part("gelu", 2,
                        List.of(new Sized(32, 2)))));
        OnEngine fast = new OnEngine("fast", 5, 3, List.of());
        Map<String, Curve> curves = Map.of("matmul slow", curve("slow", 8, 8), "matmul fast", curve("fast", 4, 1),
                "gelu slow", curve("slow", 1, 1));
        StepView view = StepView.of("demo", 1, 64, List.of(fast, slow), List.of("fast", "slow"),
                (kernel, engine) -> curves.get(kernel + " " + engine));
        Move move = view.moves().getFirst();
        assertEquals(1, view.moves().size(), "from the slowest alone");
        assertEquals("slow", move.from());
        Gain matmul = move.each().getFirst();
        double moved = 2 * 4 / 8.0 + 4 * 1 / 8.0;
        assertEquals(0.6, matmul.share(), EXACT);
        assertEquals(6 / moved, matmul.factor(), EXACT);
        assertEquals(10 / (4 + moved), matmul.step(), EXACT);
        assertTrue(Double.isNaN(move.each().get(1).factor()), "not timed on both");
        assertEquals(1, move.each().get(1).step(), EXACT);
        assertEquals(10 / (4 + moved), move.all(), EXACT);
        assertEquals(2, move.measured(), EXACT);
        assertEquals(2, slow.outside(), EXACT);
    }

    @Test
    void aRealStepIsMostlyKernelsAndItsProductsHaveSizes() {
        try (Backend vector = Backends.open("vector", 1)) {
            OnEngine run = new StepRun("1x16", 8, 1).on("vector 1", vector);
            List<String> kernels = run.kernels().stream().map(Part::kernel).toList();
            assertTrue(kernels.containsAll(List.of("matmul Aᵀ", "matmul Bᵀ", "attention", "adamW", "layerNorm")),
                    kernels.toString());
            assertTrue(run.kernels().stream().mapToDouble(Part::seconds).sum() <= run.seconds());
            List<String> without = new ArrayList<>(kernels);
            without.removeIf(k -> OffloadCase.named(k).isPresent());
            assertTrue(
                    run.kernels().stream().filter(p -> !without.contains(p.kernel())).flatMap(p -> p.calls().stream())
                            .allMatch(c -> c.side() >= 1));
        }
    }
}
