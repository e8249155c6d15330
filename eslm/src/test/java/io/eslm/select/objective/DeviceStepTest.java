// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.objective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.eslm.gpt2.data.TokenData;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backends;
import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Steps on the device, which chooses tokens by itself; skipped, and said so, where there is none. */
class DeviceStepTest {
    /** The token of the data that ends a document. */
    private static final int END = 7;
    @TempDir
    private Path dir;

    @BeforeAll
    static void needsADevice() {
        String why = Backends.all().stream().filter(p -> p.name().equals("tornado")).findFirst().orElseThrow()
                .unusableBecause();
        if (why != null) {
            System.err.println("NOT TESTED: a step on backend 'tornado': " + why);
        }
        assumeTrue(why == null, why);
    }

    private TokenData random() throws IOException {
        Rng rng = Rng.of(5);
        return LaterLossesTest.data(dir.resolve("random"), _ -> rng.nextInt(31));
    }

    /** For the losses, for the gradient's norm, and, if some tokens are dropped, for the rows that the FLOP count depends on. */
    @ParameterizedTest
    @CsvSource({"cvar-loss:alpha=0.3, 1, 3", "cvar-loss:alpha=0.3, 5, 3", "var-entropy:alpha=0.4, 3, 3", "clm, 3, 2"})
    void aStepWaitsAFewTimesWhateverTheNumberOfMicroBatches(String method, int gradAccum, long waits)
            throws IOException {
        LaterLossesTest.Run run = LaterLossesTest.run("tornado", true, method, random(), gradAccum, 0.1);
        assertEquals(waits, run.waits().getLast(), run.waits().toString());
    }

    /**
     * The work of attention depends on the documents, so the host reads where they begin: once, with the kept rows. The losses are the
     * CPU's at the float tolerance of few steps, the work is the same.
     */
    @Test
    void separateDocumentsTrainAsOnTheCpuWithNoMoreWaits() throws IOException {
        String method = "cvar-loss:alpha=0.3";
        LaterLossesTest.Run cpu = LaterLossesTest.run("vector", true, method, random(), 3, 0.1, OptionalInt.of(END));
        LaterLossesTest.Run device =
                LaterLossesTest.run("tornado", true, method, random(), 3, 0.1, OptionalInt.of(END));
        for (int i = 0; i < cpu.steps().size(); i++) {
            assertEquals(cpu.steps().get(i).loss(), device.steps().get(i).loss(), 1e-5, "step " + i);
            assertEquals(cpu.steps().get(i).flops(), device.steps().get(i).flops(), "step " + i);
        }
        assertEquals(3, device.waits().getLast(), device.waits().toString());
    }

    @Test
    void theDeviceChoosesAsTheHostDoes() throws IOException {
        for (String method : new String[] {"cvar-loss:alpha=0.3", "ada-cvar-loss:alpha=0.3,interval=2"}) {
            LaterLossesTest.assertSame(LaterLossesTest.run("tornado", false, method, random(), 2, 0.1),
                    LaterLossesTest.run("tornado", true, method, random(), 2, 0.1));
        }
    }
}
