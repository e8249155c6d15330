// SPDX-License-Identifier: Apache-2.0
package io.eslm.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileTrees;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The run of tools/reliability/fuzz with an option: Jazzer looks for inputs of one reader that reach new code, beginning with the
 * kept ones. It measures no memory, because its own probes take some. An ordinary build does not run it: {@link io.eslm.fuzz.FuzzTest} tries
 * the same inputs without an agent.
 */
class CoverageFuzz {
    private static final Target TARGET = Targets.named(System.getProperty("fuzz.target", "meta"));
    private static final Path FOLDER = Fuzzer.folder();

    @AfterAll
    static void delete() {
        FileTrees.delete(FOLDER);
    }

    static List<byte[]> kept() {
        return TARGET.kept();
    }

    @MethodSource("kept")
    @FuzzTest(maxDuration = "")
    void reader(byte[] input) throws IOException {
        try {
            TARGET.reader().read(input, FOLDER);
        } catch (UserError e) {
            String fault = Fuzzer.message(e.getMessage());
            if (fault != null) {
                throw new IllegalStateException(fault, e);
            }
        }
    }
}
