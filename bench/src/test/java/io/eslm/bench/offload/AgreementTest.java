// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.ScalarBackend;
import io.eslm.tensor.backend.Storage;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Results are compared before they are timed. */
class AgreementTest {
    private static final int LARGEST = 64 * 64;

    /** Plain loops, but for a GELU that forgets its last element. */
    private static Backend wrong() {
        return new ScalarBackend(new Kernels() {
            @Override
            protected void runGelu(Storage y, Storage x, int n) {
                super.runGelu(y, x, n - 1);
            }
        }) {};
    }

    private static KernelRun compared(List<Engine> engines, String kernel) {
        KernelRun run = new KernelRun(Rules.QUICK, engines, EnergyMeter.of(List.of()), LARGEST);
        try (Backend definition = Backends.open("scalar", 1)) {
            run.compare(OffloadCase.named(kernel).orElseThrow(), definition);
        }
        return run;
    }

    @Test
    void aWrongKernelIsNamedAndNotTimed() {
        List<Engine> engines = List.of(BackendEngine.of("wrong", wrong(), 1),
                BackendEngine.of("vector 1", Backends.open("vector", 1), 1));
        KernelRun run = compared(engines, "gelu");
        assertTrue(run.agreement().stream().filter(a -> a.engine().equals("vector 1")).allMatch(Agreement::isRight));
        assertTrue(run.agreement().stream().filter(a -> a.engine().equals("wrong")).noneMatch(Agreement::isRight));
        assertTrue(OffloadTables.agreement(run.agreement()).text().contains("WRONG"));
        List<Cell> timed = run.time(OffloadCase.named("gelu").orElseThrow(), 32);
        assertEquals(List.of("vector 1"), timed.stream().map(Cell::engine).toList());
        assertTrue(compared(engines, "softmax").agreement().stream().allMatch(Agreement::isRight),
                "only GELU is wrong");
        engines.forEach(Engine::close);
    }

    @Test
    void theBoundIsTwoRoundingsForEachTermOfTheLargestElement() {
        double bound = 0x1p-23 * 1024 * 8;
        float off = (float) (8 - bound);
        assertEquals((8 - off) / bound, Agreement.error(new double[] {8, 1}, new float[] {off, 1}, 1024), 1e-12);
        assertEquals(0, Agreement.error(new double[] {0, 0}, new float[] {0, 0}, 32));
        assertEquals(Double.POSITIVE_INFINITY, Agreement.error(new double[] {1, 2}, new float[] {1, Float.NaN}, 32));
        assertFalse(new Agreement("gelu", 32, "a", "b", Agreement.error(new double[] {0}, new float[] {1e-30f}, 32))
                .isRight());
    }

    @Test
    void everyKernelAgreesOnEveryBackendHere() {
        List<Engine> engines = Engines.open(2, List.of(), List.of());
        KernelRun run = new KernelRun(Rules.QUICK, engines, EnergyMeter.of(List.of()), LARGEST);
        try (Backend definition = Backends.open("scalar", 1)) {
            OffloadCase.ALL_CASES.forEach(c -> run.compare(c, definition));
        }
        assertEquals(List.of(), run.agreement().stream().filter(a -> !a.isRight()).toList());
        assertEquals(OffloadCase.ALL_CASES.size() * engines.size() * run.sides().size(), run.agreement().size());
        engines.forEach(Engine::close);
    }
}
