// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where vectors become instructions, and where "auto" must not choose them. */
class VectorProviderTest {
    @ParameterizedTest
    @CsvSource(nullValues = "fast", textBlock = """
            'mixed mode, sharing', amd64, 512, true, fast
            'mixed mode, sharing', amd64, 256, true, fast
            'mixed mode, sharing', amd64, 128, true, fast
            'mixed mode, sharing', amd64, 128, false, UseAVX
            'mixed mode, sharing', x86_64, 128, false, UseAVX
            'mixed mode, sharing', aarch64, 128, false, fast
            'mixed mode, sharing', aarch64, 64, true, MaxVectorSize
            'mixed mode, emulated-client, sharing', amd64, 512, true, TieredStopAtLevel
            'interpreted mode', amd64, 512, true, Xint
            """)
    void slowOnlyWhereVectorsAreNotInstructions(String vm, String architecture, int bits, boolean fma, String why) {
        String slow = VectorProvider.slow(vm, architecture, bits, () -> fma);
        if (why == null) {
            assertNull(slow);
        } else {
            assertEquals(true, slow.contains(why), slow);
        }
    }
}
