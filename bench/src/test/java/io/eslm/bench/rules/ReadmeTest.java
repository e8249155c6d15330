// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.bench.library.Readme;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What the README shows is what the project holds. */
class ReadmeTest {
    private static final Path ROOT = Path.of("").toAbsolutePath().getParent();

    private static String read(String file) throws IOException {
        return Files.readString(ROOT.resolve(file));
    }

    @Test
    void theOpInTheReadmeIsTheOneThatIsCompiled() throws IOException {
        String source = read("autograd/src/main/java/io/eslm/autograd/op/basic/Tanh.java");
        assertEquals(source.substring(source.indexOf("/** y")), Readme.block("Adding an op", "java"),
                "README.md must show Tanh.java as it is");
    }

    @Test
    void continuousIntegrationRunsTheReadmesTestCommand() throws IOException {
        assertTrue(read("README.md").contains("\n```\nmvn verify\n```\n"),
                "README.md must name the test command, mvn verify");
        assertTrue(read(".ci/run").lines().anyMatch("mvn verify"::equals),
                ".ci/run must run what the README says: mvn verify");
    }
}
