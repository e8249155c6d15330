// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.io.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProvenanceTest {
    @Test
    void namesTheCommitAndTheMachine() {
        try (Backend backend = Backends.open("vector", 1)) {
            Provenance provenance = Provenance.of(backend);
            assertTrue(provenance.commit().matches("[0-9a-f]{40}(-dirty)?|unknown"), provenance.commit());
            JsonObject json = Json.parse(Json.line(provenance.json(Double.NaN)));
            assertTrue(json.get("other_load").isJsonNull());
            JsonObject machine = json.getAsJsonObject("machine");
            assertEquals("vector", machine.get("backend").getAsString());
            assertTrue(machine.get("vector_bits").getAsInt() >= 64);
            assertTrue(machine.get("memory_gb").getAsDouble() > 0);
            assertTrue(provenance.line().startsWith("eslm "), provenance.line());
            assertEquals(provenance.line(), Provenance.line(json));
        }
        try (Backend scalar = Backends.open("scalar", 1)) {
            assertEquals(0, Provenance.of(scalar).machine().get("vector_bits").getAsInt());
        }
        assertEquals("other programs used 7 % of the CPU meanwhile", Provenance.load(0.071));
    }

    @ParameterizedTest
    @CsvSource({"-Xmx4g, true", "-XX:UseAVX=2, true", "-XX:+UseParallelGC, true", "-Xint, true", "-Xss2m, true",
        "-XX:AOTCache=/home/me/aot, false", "-Xlog:disable, false", "-ea, false", "--add-modules=x, false",
        "-Dkey=value, false"})
    void keepsTheFlagsThatMatter(String flag, boolean matters) {
        assertEquals(matters, Provenance.matters(flag));
    }
}
