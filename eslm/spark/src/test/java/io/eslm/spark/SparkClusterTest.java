// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.BackendProvider;
import io.eslm.tensor.backend.Backends;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.spark.SparkConf;
import org.apache.spark.launcher.JavaModuleOptions;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;

/** Executors are processes of their own, with our classes and the Vector API; and the flags of the driver are Spark's. */
class SparkClusterTest {
    private static final String OPENS = "--add-opens=java.base/";

    @Test
    void executorsHaveOurClassesAndTheVectorBackend() {
        String there =
                Clusters.shared().context().parallelize(List.of(0), 1).map(_ -> backends()).collect().getFirst();
        assertTrue(there.contains("vector"), there);
        assertNotEquals(backends(), there, "the same process");
    }

    /** The names of the backends, and the number of the process. */
    private static String backends() {
        return Backends.all().stream().map(BackendProvider::name).sorted().toList() + " "
                + ProcessHandle.current().pid();
    }

    /** Settings of an application hold from its start. */
    @Test
    void aSparkThatRunsIsTakenOnlyWithTheSettingsThatAreAskedFor() {
        SparkSession there = Clusters.shared().session();
        SparkConf same = Cluster.settings("another name", Optional.of(there.sparkContext().master()), true);
        try (Cluster taken = Cluster.open(same)) {
            assertSame(there, taken.session());
        }
        SparkConf other =
                same.clone().setMaster("local[3]").set("spark.task.cpus", "2").set("spark.speculation", "true");
        String message = assertThrows(UserError.class, () -> Cluster.open(other)).getMessage();
        assertEquals("Spark runs in this JVM already, with other settings: spark.master is "
                + there.sparkContext().master()
                + ", and must be local[3]; spark.speculation is false, and must be true; spark.task.cpus is 1, and must be 2. "
                + "Stop that session, or start it with these settings", message);
        assertFalse(there.sparkContext().isStopped(), "it is another's");
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
