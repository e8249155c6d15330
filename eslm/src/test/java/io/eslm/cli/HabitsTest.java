// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.eslm.tensor.backend.Backends;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every command does alike, and what the program says of the machine. */
class HabitsTest {
    @TempDir
    Path dir;

    @Test
    void quietShowsResultsAndErrorsOnly() throws IOException {
        Program.Outcome o = Program.train(Program.tokens(dir.resolve("data")), dir.resolve("run"), "--max-iters", "2",
                "--quiet").ok();
        assertEquals("", o.out() + o.err());
        assertTrue(Files.exists(dir.resolve("run/report.html")));
        o = Program.run("tokenize", "--text", "a", "-q").ok();
        assertEquals(1, o.out().lines().count());
        assertEquals("", o.err());
        assertTrue(Program.run("tokenize", "--file", "none", "--quiet").err().startsWith("error: "));
    }

    @Test
    void coloursComeWhereTheyAreWanted() {
        assertTrue(Color.of("train").wanted(true) == (System.getenv("NO_COLOR") == null));
        assertFalse(Color.of("train").wanted(false));
        assertTrue(Color.of("train", "--color", "always").wanted(false));
        assertFalse(Color.of("train", "--color=always", "--color=never").wanted(true));
        assertTrue(Program.run("tokenize", "--file", "none", "--color", "always").err()
                .startsWith("\u001b[1;31merror:\u001b[0m cannot read none"));
        assertTrue(Program.run("train", "--nothing", "--color=always").err().startsWith("\u001b[1;31merror:"));
        assertTrue(Program.run("train", "--help", "--color=always").out().contains("\u001b["));
        assertFalse(Program.run("train", "--help").out().contains("\u001b["));
        Program.Outcome o = Program.run("train", "--color", "pink");
        assertEquals(2, o.code());
        assertTrue(o.err().contains("pink"), o.err());
    }

    @Test
    void backendsInJson() {
        List<JsonObject> lines = Program.run("backends", "--json", "--threads", "1").ok().out().lines()
                .map(l -> JsonParser.parseString(l).getAsJsonObject()).toList();
        assertEquals(Backends.all().size(), lines.size());
        assertEquals(1, lines.stream().filter(o -> o.get("automatic").getAsBoolean()).count());
        for (JsonObject o : lines) {
            assertEquals(List.of("name", "automatic", "usable", "description", "devices", "peak_gflops"),
                    List.copyOf(o.keySet()));
            assertTrue(o.get("usable").getAsBoolean() || o.get("peak_gflops").isJsonNull());
        }
    }

    @Test
    void doctorSaysWhatThisMachineCanDo() {
        Program.Outcome o = Program.run("doctor", "--json");
        JsonObject all = JsonParser.parseString(o.out()).getAsJsonObject();
        assertEquals(o.code() == 0, all.get("ok").getAsBoolean());
        List<String> names = all.getAsJsonArray("checks").asList().stream()
                .map(c -> c.getAsJsonObject().get("name").getAsString()).toList();
        assertTrue(names.containsAll(List.of("java", "simd", "cores", "memory", "scalar", "vector", "data", "cache",
                "folder")), names::toString);
        all.getAsJsonArray("checks").forEach(c -> assertEquals(
                c.getAsJsonObject().get("state").getAsString().equals("ok"),
                c.getAsJsonObject().get("advice").getAsString().isEmpty(), c::toString));
        assertTrue(Program.run("doctor").out().contains("java"));
    }

    @Test
    void doctorFindsWhatIsWrong() throws IOException {
        Diagnosis cache = Diagnosis.all(Map.of("ESLM_CACHE_GB", "many")).stream().filter(d -> d.name().equals("cache"))
                .findFirst().orElseThrow();
        assertEquals(Diagnosis.State.PROBLEM, cache.state());
        assertTrue(cache.advice().contains("ESLM_CACHE_GB=many"), cache.advice());
        Files.createDirectories(dir.resolve("eslm/a"));
        Files.write(dir.resolve("eslm/a/x"), new byte[300_000_000 / 1000]);
        cache = Diagnosis.all(Map.of("ESLM_CACHE_GB", "0.0001", "XDG_CACHE_HOME", dir.toString())).stream()
                .filter(d -> d.name().equals("cache")).findFirst().orElseThrow();
        assertEquals(Diagnosis.State.NOTE, cache.state());
    }
}
