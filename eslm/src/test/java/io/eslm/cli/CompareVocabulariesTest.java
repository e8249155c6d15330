// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.tokenizer.ByteTokenizer;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.compare.Comparison;
import io.eslm.report.RunLog;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One text in two vocabularies, compared by what they have in common: bits per byte. */
class CompareVocabulariesTest {
    private static final List<String> WORDS = List.of("paper", "stone", "copper", "slowly", "falls", "and");
    @TempDir
    private Path temp;

    @Test
    void methodsOfDifferentVocabulariesAreComparedInBitsPerByte() throws IOException {
        Random random = new Random(5);
        Path text = Files.writeString(temp.resolve("words.txt"), IntStream.range(0, 4000)
                .mapToObj(_ -> WORDS.get(random.nextInt(WORDS.size()))).collect(Collectors.joining(" ")));
        Path folder = temp.resolve("out");
        String[] command = {"compare", "--data", text.toString(), "--out-dir", folder.toString(), "--methods",
            "clm:tokenizer=bytes,max-iters=30", "--seeds", "1", "--max-iters", "20", "--eval-interval", "10",
            "--n-layer=1", "--n-head=1", "--n-embd=8", "--block-size=16", "--batch-size=4", "--warmup-iters=2",
            "--backend", "scalar"};
        Program.Outcome outcome = Program.run(command).ok();
        assertTrue(outcome.out().contains("bits/byte") && !outcome.out().contains("CVaR")
                && !outcome.out().contains("Perplexity by domain"), outcome.out());
        assertTrue(outcome.out().contains("have different vocabularies"), outcome.out());

        JsonObject figures = Json.read(folder.resolve(Comparison.FIGURES)).object();
        JsonObject base = figures.getAsJsonArray("methods").get(0).getAsJsonObject();
        JsonObject bytes = figures.getAsJsonArray("methods").get(1).getAsJsonObject();
        assertEquals("clm:max-iters=30,tokenizer=bytes", bytes.get("method").getAsString());
        JsonObject run = bytes.getAsJsonArray("runs").get(0).getAsJsonObject();
        // a byte is a token, but for the end of the text: nats of a token are bits of a byte times ln 2
        assertEquals(run.get("loss").getAsDouble() / Math.log(2), run.get("bits_per_byte").getAsDouble(), 1e-2);
        double difference = mean(bytes, "bits_per_byte") - mean(base, "bits_per_byte");
        assertEquals(difference, mean(bytes, "bits_per_byte_less_base"), 1e-12);

        double last = RunLog.read(Comparison.folder(folder, 1337, "clm-max-iters-30-bytes")).stream()
                .filter(line -> line.has(RunLog.BITS_PER_BYTE)).toList().getLast().get(RunLog.BITS_PER_BYTE)
                .getAsDouble();
        String page = Files.readString(folder.resolve(Comparison.PAGE));
        assertTrue(page.contains("\"lossUnit\":\"bits per byte\""), "the page's curves");
        assertTrue(last > 0 && last < 8, "bits of a byte: " + last);
        assertEquals(new ByteTokenizer().vocabSize(), Json.read(
                Comparison.folder(folder, 1337, "clm-max-iters-30-bytes").resolve(RunLog.CONFIG)).child("model")
                .count("vocab_size"));
    }

    private static double mean(JsonObject method, String figure) {
        return method.getAsJsonObject(figure).get("mean").getAsDouble();
    }
}
