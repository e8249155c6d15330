// SPDX-License-Identifier: Apache-2.0
package io.eslm.fuzz;

import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.io.FileTrees;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A short run over every reader: all kept inputs, and some hundred made of them. {@link FuzzCampaign} is the long one. */
class FuzzTest {
    private static final int INPUTS = 40;

    static List<Target> targets() {
        return Targets.ALL;
    }

    @ParameterizedTest
    @MethodSource("targets")
    void everyInputEndsClean(Target target) {
        Path folder = Fuzzer.folder();
        try {
            List<byte[]> kept = target.kept();
            Fuzzer fuzzer = new Fuzzer(target, kept, folder);
            for (byte[] input : kept) {
                assertNull(fuzzer.end(input), target.name() + ": a kept input");
            }
            assertTrue(fuzzer.read > 0, target.name() + " reads no kept input");
            for (long seed = 0; seed < (long) INPUTS * target.weight() / 2 + INPUTS; seed++) {
                assertNull(fuzzer.end(fuzzer.input(seed)), target.name() + ": seed " + seed);
            }
        } finally {
            FileTrees.delete(folder);
        }
    }
}
