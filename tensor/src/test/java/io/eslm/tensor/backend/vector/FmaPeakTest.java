// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.backend.Peak;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicBoolean;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FmaPeakTest {
    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");

    @TempDir
    private Path temp;

    /**
     * While twice as many threads as cores keep the machine busy, the peak is one that a processor can have, or unknown; it is
     * not what an interrupted or interpreted loop reaches. Of the bounds, 0.4 GHz and one multiply-add in 2.5 cycles are the
     * lowest that the measurement lets pass, 8 GHz and five in a cycle the highest.
     */
    @Test
    void loadDoesNotMakeItImpossible() {
        AtomicBoolean over = new AtomicBoolean();
        for (int i = 0; i < 2 * Runtime.getRuntime().availableProcessors(); i++) {
            Thread.ofPlatform().daemon().start(() -> {
                while (!over.get()) {
                    Thread.onSpinWait();
                }
            });
        }
        try (Parallel parallel = new Parallel(2)) {
            Peak peak = FmaPeak.measure(parallel);
            double lanes = 2 * 2 * FloatVector.SPECIES_PREFERRED.length(); // two threads, two per multiply-add
            assertTrue(!peak.isKnown() || peak.flops() > lanes * 0.4e9 * 0.4 && peak.flops() < lanes * 8e9 * 5,
                    peak.toString());
        } finally {
            over.set(true);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1.0, 0.125, true", // 4 GHz, two in a cycle
        "1.0, 0.5, true", // two threads share a unit of one
        "1.6, 0.2, true", // 2.5 GHz
        "150, 150, false", // interpreted
        "1.0, 40, false", // only the loop of one accumulator is compiled
        "1.0, 0.01, false", // the compiler dropped the work
        "0.1, 0.02, false", // 40 GHz
        "0, 0, false"})
    void knowsWhatAProcessorCanHave(double dependent, double independent, boolean plausible) {
        assertEquals(plausible, FmaPeak.isPlausible(dependent, independent));
    }

    @Test
    void takesTheBestAndTellsTheSpread() {
        Peak peak = FmaPeak.peak(new double[] {80e9, 100e9, 50e9});
        assertEquals(100e9, peak.flops());
        assertEquals(0.2, peak.spread(), 1e-12);
        assertEquals("100 GFLOP/s (tries within 20 %)", new Peak(100e9, 0.2, NOW).toString());
        assertFalse(FmaPeak.peak(new double[0]).isKnown());
        assertEquals("unknown (it could not be measured)", Peak.unknown().toString());
    }

    @Test
    void isKeptForADay() throws IOException {
        PeakCache cache = new PeakCache(temp.resolve("eslm"));
        assertFalse(cache.find("a", NOW).isKnown());
        Peak peak = new Peak(5e11, 0.01, NOW);
        cache.put("a", peak);
        assertEquals(peak, cache.find("a", NOW.plus(Duration.ofHours(23))));
        assertFalse(cache.find("b", NOW).isKnown(), "another machine");
        assertFalse(cache.find("a", NOW.plus(Duration.ofHours(25))).isKnown(), "too old");
        assertFalse(cache.find("a", NOW.minusSeconds(1)).isKnown(), "from the future");
        Instant later = NOW.plus(Duration.ofHours(20));
        cache.put("b", new Peak(6e11, 0.01, later));
        assertTrue(cache.find("a", later).isKnown());
        cache.put("c", new Peak(7e11, 0.01, NOW.plus(Duration.ofHours(30))));
        assertFalse(Files.readString(temp.resolve("eslm/peaks.json")).contains("\"a\""), "dropped");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"{", "[]", "{\"a\": 3}", "{\"a\": {}}",
        "{\"a\": {\"flops\": -1, \"spread\": 0, \"measured\": \"2026-03-01T12:00:00Z\"}}",
        "{\"a\": {\"flops\": 1, \"spread\": 0, \"measured\": \"yesterday\"}}"})
    void aDamagedFileIsReplaced(String text) throws IOException {
        Files.writeString(temp.resolve(PeakCache.FILE), text);
        PeakCache cache = new PeakCache(temp);
        assertFalse(cache.find("a", NOW).isKnown());
        cache.put("a", new Peak(1, 0, NOW));
        assertTrue(cache.find("a", NOW).isKnown());
    }

    @Test
    void aFolderThatCannotBeWrittenIsNoError() throws IOException {
        Path file = Files.writeString(temp.resolve("file"), "in the way");
        new PeakCache(file.resolve("eslm")).put("a", new Peak(1, 0, NOW));
    }
}
