// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.eslm.tensor.io.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What benchmarks print: with the option for JSON one valid object and nothing else, whatever the other options. */
@ResourceLock(Resources.SYSTEM_OUT)
class BenchOutputTest {
    private static final String STEP = "step --model 1x16 --batch 1 --seq 16 --steps 2 --warmup 1 --threads 1";
    private static final String SOAK = "soak --model 1x16 --batch 1 --seq 8 --steps 10 --threads 1";
    private static final String PROGRAM = "program --layers 1 --width 16 --batch 1 --seq 8";
    private static final String SERVE = "serve --model demo --clients 1,3 --requests 2 --prompt 4 --new 5 --threads 1";
    private static final String GENERATE = "generate --model demo --prompt 4 --new 8 --runs 1";

    private static String output(String command) {
        PrintStream before = System.out;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            assertEquals(0, Main.commandLine().execute(command.split(" ")));
        } finally {
            System.setOut(before);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @ValueSource(strings = {STEP, STEP + " --profile", STEP + " --backend scalar --profile",
        STEP + " --method clm --method cvar-loss:alpha=0.5", STEP + " --method clm --method cvar-loss --profile",
        STEP + " --grad-accum 2", SOAK, SOAK + " --backend scalar", "soak --minutes 0.0001 --threads 1",
        "kernels --only projection",
        "offload --quick --only fill --step none --threads 1", PROGRAM, PROGRAM + " --all",
        PROGRAM + " --backend scalar", SERVE, "collective --mb 1 --rounds 2 --threads 1", GENERATE,
        GENERATE + " --tokens"})
    void jsonIsOneObject(String command) {
        String text = output(command + " --json");
        assertEquals(1, text.lines().count(), text);
        JsonObject provenance = Json.parse(text).getAsJsonObject("provenance");
        assertEquals(Set.of("program", "commit", "date", "other_load", "machine"), provenance.keySet());
        assertTrue(
                provenance.getAsJsonObject("machine").keySet().containsAll(List.of("processor", "cores", "vector_bits",
                        "memory_gb", "java", "jvm_flags")),
                provenance.toString());
    }

    /** The commands above are all that have the option. */
    @Test
    void everyCommandIsTried() {
        Set<String> names = new TreeSet<>();
        Main.commandLine().getSubcommands().forEach((name, command) -> {
            if (command.getCommandSpec().findOption("--json") != null) {
                names.add(name);
            }
        });
        assertEquals(Set.of("step", "soak", "kernels", "program", "generate", "serve", "offload", "collective"), names);
    }

    @Test
    void aProgramIsAPage(@TempDir Path dir) throws IOException {
        Path file = dir.resolve("step.html");
        String text = output(PROGRAM + " --all --html " + file);
        String page = Files.readString(file);
        long calls = text.lines().filter(l -> l.matches(".*   s\\d+( s\\d+)*")).count();
        assertTrue(calls > 40, text);
        assertEquals(calls,
                page.lines().flatMap(l -> Pattern.compile("<td>s\\d+( s\\d+)*<").matcher(l).results()).count(),
                "each call has its row");
        long marks = Pattern.compile("<rect ").matcher(page).results().count();
        assertEquals(text.lines().mapToLong(l -> Pattern.compile(" s\\d+").matcher(l).results().count()).sum(), marks,
                "each call marks its storages");
        assertTrue(page.contains("<rect class=copy "), "tokens come from the host");
    }

    @Test
    void aBatchHasItsFigures() {
        JsonObject figures = Json.parse(output(GENERATE + " --batch 3 --json"));
        assertTrue(figures.get("new_tokens_per_s").getAsDouble() > 0);
        assertTrue(figures.get("first_token_s").getAsDouble() <= figures.get("last_first_token_s").getAsDouble());
    }

    @Test
    void everyClientGetsEveryToken() {
        var runs = Json.parse(output(SERVE + " --json")).getAsJsonArray("runs");
        assertEquals(2, runs.size());
        JsonObject three = runs.get(1).getAsJsonObject();
        assertEquals(6, three.get("requests").getAsInt());
        assertEquals(30, three.get("new_tokens_per_s").getAsDouble() * three.get("total_s").getAsDouble(), 1e-6);
        assertTrue(three.get("first_token_s").getAsDouble() <= three.get("request_s").getAsDouble());
    }

    @Test
    void theProfileIsInTheObject() {
        JsonObject step = Json.parse(output(STEP + " --profile --json"));
        assertFalse(step.getAsJsonArray("profile").isEmpty());
        assertTrue(step.getAsJsonArray("profile").get(0).getAsJsonObject().keySet()
                .containsAll(List.of("kernel", "calls", "seconds", "flops")));
    }

    /** Muon's products are part of the step. */
    @Test
    void aStepIsTimedWithTheOptimizerThatIsGiven() {
        JsonObject adamW = Json.parse(output(STEP + " --json"));
        JsonObject muon = Json.parse(output(STEP + " --optimizer muon --json"));
        assertEquals("adamw", adamW.get("optimizer").getAsString());
        assertEquals("muon", muon.get("optimizer").getAsString());
        assertTrue(muon.get("backward_flops_per_step").getAsLong() > adamW.get("backward_flops_per_step").getAsLong());
    }

    /** A backend without a measured peak has no share of it. */
    @Test
    void whatIsUnknownIsNull() {
        JsonObject step = Json.parse(output(STEP + " --backend scalar --json"));
        assertTrue(step.get("peak_gflops").isJsonNull() && step.get("mfu").isJsonNull(), step.toString());
        assertTrue(output(STEP + " --backend scalar").contains("mfu                        ?"));
    }

    @Test
    void textBeginsWithTheMachine() {
        for (String command : List.of(STEP, SOAK, PROGRAM, GENERATE)) {
            String text = output(command);
            assertTrue(
                    text.matches(
                            "(?s)eslm \\S+, commit \\S+; JDK 25.* cores, .* GB; .*bits.*\\R\\R.*other programs used.*"),
                    text);
        }
    }

    @Test
    void figuresHaveNoNumbersThatJsonLacks() {
        record Part(double a, Double b, List<Float> c) {
        }
        JsonElement json = Figures.of(new Part(Double.NaN, null, List.of(Float.POSITIVE_INFINITY, 1.5f)));
        assertEquals("{\"a\":null,\"b\":null,\"c\":[null,1.5]}", Json.line(json.getAsJsonObject()));
        JsonObject shares = new JsonObject();
        Figures.addShare(shares, "high", 43.5);
        Figures.addShare(shares, "right", 0.6);
        assertEquals(Map.of("high", "?", "right", "0.6"), Map.of("high", Figures.text(shares.get("high")), "right",
                Figures.text(shares.get("right"))));
    }
}
