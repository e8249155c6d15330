// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.bench.offload.Surroundings.Thing;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a machine has, in made-up folders, and which engines are opened. */
class SurroundingsTest {
    private static final Nvml NONE = new Nvml("", List.of(), List.of());

    @TempDir
    private Path dir;

    @Test
    void whatIsMissingSaysHowToGetIt() {
        Thing openCl = Surroundings.openCl(dir.resolve("none"));
        assertFalse(openCl.found());
        assertTrue(openCl.what().contains("apt install pocl-opencl-icd"), openCl.what());
        assertFalse(Surroundings.gpu(NONE, dir).found());
        assertEquals("not on the class path; nothing needs it",
                Surroundings.onClassPath("ND4J", "a.B", _ -> false).what());
    }

    @Test
    void driversAndDevicesAreFoundByTheirFiles() throws IOException {
        Files.createFile(dir.resolve("intel.icd"));
        assertTrue(Surroundings.openCl(dir).what().startsWith("intel.icd (without PoCL"), "one that is no PoCL");
        Files.createFile(dir.resolve("pocl.icd"));
        assertEquals(new Thing("OpenCL", true, "intel.icd pocl.icd"), Surroundings.openCl(dir));
        Files.createDirectories(dir.resolve("dri"));
        Files.createFile(dir.resolve("dri/renderD128"));
        Files.createFile(dir.resolve("kfd"));
        assertTrue(Surroundings.gpu(NONE, dir).what().startsWith("kfd renderD128; "), "a GPU that is not NVIDIA's");
        assertEquals(new Thing("DJL", true, "on the class path; not timed"),
                Surroundings.onClassPath("DJL", "a.B", _ -> true));
    }

    @Test
    void enginesAreChosenByNameOrFirstWord() {
        assertEquals(List.of(1, 2, 4, 6), Engines.counts(6));
        assertEquals(List.of(1), Engines.counts(1));
        List<Engine> vector = Engines.open(2, List.of(), List.of("vector"));
        assertEquals(List.of("vector 1", "vector 2"), vector.stream().map(Engine::name).toList());
        vector.forEach(Engine::close);
        Blas blas = Blas.of("made up", MadeUpLibrary.of(BlasTest.Functions.class), "set_threads");
        String message = assertThrows(UserError.class,
                () -> Engines.open(1, List.of(blas), List.of("made up"))).getMessage();
        assertTrue(message.contains("add one that computes on Java's arrays"), message);
    }
}
