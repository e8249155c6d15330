// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BatchSamplerTest {
    @TempDir
    Path dir;

    @ParameterizedTest
    @CsvSource({"9, 8", "17, 8", "1001, 10", "1000, 10", "4096, 7", "65, 1", "40000, 256"})
    void anEpochPredictsNoTokenTwiceAndNearlyAll(int tokens, int contextLength) throws IOException {
        var sampler = new BatchSampler(Tokens.counting(dir, tokens), 1, contextLength, 42);
        int[] inputs = new int[contextLength];
        int[] targets = new int[contextLength];
        for (int epoch = 0; epoch < 3; epoch++) {
            var seen = new HashSet<Integer>();
            for (long w = 0; w < sampler.windowsPerEpoch(); w++) {
                sampler.next(inputs, targets);
                for (int t = 0; t < contextLength; t++) {
                    assertEquals(inputs[t] + 1, targets[t]);
                    assertTrue(seen.add(targets[t]), "token " + targets[t] + " twice in epoch " + epoch);
                }
            }
            assertTrue(tokens - 1 - seen.size() < 2 * contextLength, seen.size() + " of " + (tokens - 1));
            assertTrue(seen.size() > 0.9 * (tokens - 1) || tokens < 16 * contextLength, "nine tenths or more");
        }
    }

    @Test
    void epochsDifferInOrderAndInPhase() throws IOException {
        TokenFile file = Tokens.counting(dir, 20_000);
        var sampler = new BatchSampler(file, 1, 10, 1);
        var phases = new HashSet<Integer>();
        var firsts = new HashSet<Integer>();
        int[] inputs = new int[10];
        int[] targets = new int[10];
        for (int epoch = 0; epoch < 40; epoch++) {
            sampler.seek(epoch * sampler.windowsPerEpoch());
            sampler.next(inputs, targets);
            phases.add(inputs[0] % 10);
            firsts.add(inputs[0]);
        }
        assertEquals(10, phases.size());
        assertTrue(firsts.size() > 35, "of 40 first windows " + firsts.size() + " differ");
    }

    @Test
    void orderIsShuffled() throws IOException {
        var sampler = new BatchSampler(Tokens.counting(dir, 10_001), 1, 10, 3);
        int[] inputs = new int[10];
        int[] targets = new int[10];
        int rising = 0;
        int last = 0;
        for (int i = 0; i < 1000; i++) {
            sampler.next(inputs, targets);
            rising += inputs[0] > last ? 1 : 0;
            last = inputs[0];
        }
        assertEquals(500, rising, 60, "a random order rises half the time (deviation 9, limit over 6 of them)");
    }

    @Test
    void batchDependsOnSeedAndIndexAlone() throws IOException {
        TokenFile file = Tokens.counting(dir, 5000);
        var sampler = new BatchSampler(file, 4, 16, 7);
        int[][] inputs = new int[100][64];
        int[][] targets = new int[100][64];
        for (int k = 0; k < 100; k++) {
            sampler.next(inputs[k], targets[k]);
        }
        assertEquals(100, sampler.position());
        var resumed = new BatchSampler(file, 4, 16, 7);
        int[] again = new int[64];
        for (int k : new int[] {99, 0, 50}) {
            resumed.seek(k);
            resumed.next(again, new int[64]);
            assertArrayEquals(inputs[k], again);
            assertEquals(k + 1, resumed.position());
        }
        var other = new BatchSampler(file, 4, 16, 8);
        other.next(again, new int[64]);
        assertFalse(Arrays.equals(inputs[0], again));
    }

    @Test
    void aFileOfOneWindowGivesItAlways() throws IOException {
        var sampler = new BatchSampler(Tokens.counting(dir, 9), 2, 8, 5);
        int[] inputs = new int[16];
        int[] targets = new int[16];
        for (int k = 0; k < 3; k++) {
            sampler.next(inputs, targets);
            assertArrayEquals(new int[] {0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7}, inputs);
            assertArrayEquals(new int[] {1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8}, targets);
        }
    }

    @Test
    void tooFewTokensIsSaidWithNumbers() throws IOException {
        TokenFile file = Tokens.counting(dir, 8);
        String message = assertThrows(UserError.class, () -> new BatchSampler(file, 1, 8, 0)).getMessage();
        assertTrue(message.contains("has 8 tokens") && message.contains("needs 9") && message.contains("at most 7"),
                message);
        var sampler = new BatchSampler(file, 2, 7, 0);
        assertThrows(IllegalArgumentException.class, () -> sampler.next(new int[7], new int[14]));
        assertThrows(IllegalArgumentException.class, () -> sampler.seek(-1));
    }

    @Test
    void aBatchAllocatesNothing() throws IOException {
        var sampler = new BatchSampler(Tokens.counting(dir, 5000), 8, 64, 1);
        int[] inputs = new int[512];
        int[] targets = new int[512];
        for (int k = 0; k < 5000; k++) {
            sampler.next(inputs, targets);
        }
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int k = 0; k < 1000; k++) {
            sampler.next(inputs, targets);
        }
        long perBatch = (threads.getCurrentThreadAllocatedBytes() - before) / 1000;
        assertTrue(perBatch < 16, perBatch + " bytes per batch (the measurement itself costs some)");
    }
}
