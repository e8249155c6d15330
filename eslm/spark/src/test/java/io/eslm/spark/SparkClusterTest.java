// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.backend.BackendProvider;
import io.eslm.tensor.backend.Backends;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.spark.launcher.JavaModuleOptions;
import org.junit.jupiter.api.Test;

/** Executors are processes of their own, with our classes and the Vector API; and the flags of the driver are Spark's. */
class SparkClusterTest {
    private static final String OPENS = "--add-opens=java.base/";

    @Test
    void executorsHaveOurClassesAndTheVectorBackend() {
        String there =
                Clusters.shared(false).context().parallelize(List.of(0), 1).map(_ -> backends()).collect().getFirst();
        assertTrue(there.contains("vector"), there);
        assertNotEquals(backends(), there, "the same process");
    }

    /** The names of the backends, and the number of the process. */
    private static String backends() {
        return Backends.all().stream().map(BackendProvider::name).sorted().toList() + " "
                + ProcessHandle.current().pid();
    }

    @Test
    void theFlagsOfTheDriverAreThoseOfSpark() throws IOException {
        Path root = Path.of("").toAbsolutePath().getParent().getParent();
        List<String> ours = Files.readAllLines(root.resolve("bin/jvm-flags-spark")).stream()
                .filter(line -> !line.startsWith("#")).toList();
        Set<String> packages = Object.class.getModule().getPackages();
        assertEquals(Arrays.stream(JavaModuleOptions.defaultModuleOptionArray()).filter(
                flag -> !flag.startsWith(OPENS)
                        || packages.contains(flag.substring(OPENS.length()).replaceFirst("=.*", "")))
                .collect(Collectors.toSet()), Set.copyOf(ours));
    }
}
