// SPDX-License-Identifier: Apache-2.0
package io.eslm.inspect;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.inspect.ActivationCache;
import io.eslm.gpt2.inspect.Inspection;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.gpt2.train.Objective;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The code of docs/inspect.md, compiled and run as a user does. */
class LookInsideTest {
    private static final Path EXAMPLE = Path.of("../docs/examples/LookInside.java");
    private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    @TempDir
    private Path temp;

    private static String squeezed(String code) {
        return code.replaceAll("\\s+", " ").strip();
    }

    @Test
    void thePageShowsTheExampleAsItIs() throws Exception {
        String example = squeezed(Files.readString(EXAMPLE));
        var blocks = JAVA.matcher(Files.readString(Path.of("../docs/inspect.md"))).results()
                .map((MatchResult m) -> squeezed(m.group(1))).toList();
        assertEquals(3, blocks.size());
        blocks.forEach(block -> assertTrue(example.contains(block), "not in " + EXAMPLE + ": " + block));
    }

    @Test
    @SuppressWarnings("unchecked") // the example's own type
    void lensAttributionAndAblationSayWhatTheyPromise() throws Exception {
        Path classes = Files.createDirectory(temp.resolve("classes"));
        assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, null, null, "-proc:none", "-d",
                classes.toString(), "-cp", System.getProperty("java.class.path"), EXAMPLE.toString()));
        int[] ids = new Gpt2Tokenizer().encode("The fox looks at the dog.");
        int t = ids.length - 1;
        try (URLClassLoader loader = new URLClassLoader(new URL[] {classes.toUri().toURL()});
                Backend backend = Backends.open("scalar", 1)) {
            Gpt2Config config = Gpt2Config.of(2, 2, 8, 16);
            Gpt2 model = new Gpt2(config, backend, Weights.random(config, backend, Rng.of(2)));
            Class<?> look = loader.loadClass("LookInside");
            ActivationCache cache = Inspection.run(model, ids, new Objective.Mean(), "logits", "loss");
            float[] logits = cache.get("logits").toFloats();
            int v = config.vocabSize();
            int[] best = IntStream.range(0, t).map(p -> IntStream.range(0, v)
                    .reduce((a, b) -> logits[p * v + b] > logits[p * v + a] ? b : a).orElseThrow()).toArray();
            assertArrayEquals(best,
                    (int[]) look.getMethod("logitLens", Gpt2.class, int[].class, int.class).invoke(null, model, ids,
                            1));

            Map<String, Double> parts = (Map<String, Double>) look.getMethod("attribution", Gpt2.class, int[].class)
                    .invoke(null, model, ids);
            assertEquals(6, parts.size(), "two embeddings, and two parts of each of two blocks");
            double sum = parts.values().stream().mapToDouble(d -> d).sum();
            // A new model's final bias is 0. Logits are sums of 8 products of floats below 1.
            assertEquals(logits[(t - 1) * v + ids[t]], sum, 1e-6);

            double all =
                    IntStream.range(0, t).mapToDouble(p -> cache.get("loss").toFloats()[p]).average().orElseThrow();
            for (int h = 0; h < 2; h++) {
                assertNotEquals(all,
                        (double) look.getMethod("lossWithoutHead", Gpt2.class, int[].class, int.class, int.class)
                                .invoke(null, model, ids, 1, h));
            }
            assertTrue(model.hooks().isEmpty(), "nothing stays behind");
            ModelFolder.save(model, temp.resolve("model"));
            look.getMethod("main", String[].class).invoke(null,
                    (Object) new String[] {temp.resolve("model").toString(), "The fox looks"});
        }
    }
}
