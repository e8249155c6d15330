// SPDX-License-Identifier: Apache-2.0
package io.eslm.fuzz;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import io.eslm.compare.CompareReaders;
import io.eslm.compare.Comparison;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.ModelReaders;
import io.eslm.gpt2.data.DataReaders;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.ReportReaders;
import io.eslm.select.MethodSpec;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.ScalarBackend;
import io.eslm.tensor.io.Safetensors;
import io.eslm.tensor.io.TensorReaders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/** Every reader of the program. A new one is a line here, and a folder with at least one valid input. */
final class Targets {
    private static final Backend SCALAR = new ScalarBackend();
    private static final Gpt2Tokenizer TOKENIZER = new Gpt2Tokenizer();
    private static final Encoding REFERENCE =
            Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.R50K_BASE);

    static final List<Target> ALL = List.of(
            Target.of("safetensors", Targets::safetensors),
            Target.of("weights", ModelReaders::weights),
            Target.of("model-config", ModelReaders::config),
            Target.of("trainer-state", ModelReaders::state),
            Target.of("meta", DataReaders::meta),
            Target.of("tokens", DataReaders::tokens),
            Target.of("window", ReportReaders::window).weighing(10).allocating(1 << 17, 512),
            Target.of("chart", ReportReaders::chart).weighing(5).allocating(1 << 22, 4096),
            Target.of("method", text(MethodSpec::parse)),
            Target.of("option", text(Targets::option)).allocating(1 << 18, 512),
            Target.of("groff", text(DataReaders::groff)).weighing(10).allocating(1 << 16, 512),
            Target.of("java", text(DataReaders::java)).weighing(10).allocating(1 << 17, 1024),
            Target.of("javadoc", text(DataReaders::javadoc)).weighing(5).allocating(1 << 17, 1024),
            Target.of("tokenizer", text(Targets::tokenizer)).weighing(10).allocating(1 << 17, 1024),
            Target.ofFolder("text", DataReaders::text).weighing(4),
            Target.ofFolder("run-config", inRun(ReportReaders::config)),
            Target.ofFolder("metrics", inRun(ReportReaders::metrics)),
            Target.ofFolder("comparison", inComparison(CompareReaders::settings)),
            Target.ofFolder("evaluation", inComparison(CompareReaders::evaluation)));

    private Targets() {
    }

    private static Consumer<byte[]> text(Consumer<String> reader) {
        return bytes -> reader.accept(new String(bytes, StandardCharsets.UTF_8));
    }

    private static void safetensors(byte[] bytes) {
        try (Safetensors file = TensorReaders.safetensors(bytes)) {
            for (Safetensors.Entry e : file.entries()) {
                file.tensor(e.name(), SCALAR);
            }
            file.metadata();
        }
    }

    /** The text as the value of every option. */
    private static void option(String text) {
        for (var group : List.of(TrainOptions.GROUP, Gpt2Config.GROUP)) {
            for (Option<?> option : group.options()) {
                try {
                    option.parse(text);
                } catch (UserError _) {
                    // another option may take it
                }
            }
        }
    }

    private static void tokenizer(String text) {
        int[] ids = TOKENIZER.encode(text);
        if (!Arrays.equals(ids, REFERENCE.encodeOrdinary(text).toArray())) {
            throw new IllegalStateException("the tokens differ from the reference's");
        }
        if (!TOKENIZER.decode(ids).equals(text)) {
            throw new IllegalStateException("decode does not undo encode");
        }
    }

    /** A folder of a run whose other files are valid. */
    private static Target.Reader inRun(Target.Reader reader) {
        return (input, folder) -> {
            Path run = folder.resolve("run");
            if (Files.notExists(run)) {
                Files.createDirectories(run);
            }
            copy("run-config", run.resolve("config.json"));
            copy("metrics", run.resolve("metrics.jsonl"));
            reader.read(input, run);
        };
    }

    /** A folder of a comparison of one run. */
    private static Target.Reader inComparison(Target.Reader reader) {
        return (input, folder) -> {
            Path all = folder.resolve("comparison");
            Path run = Comparison.folder(all, 1, "clm");
            if (Files.notExists(run)) {
                Files.createDirectories(run);
                copy("metrics", run.resolve("metrics.jsonl"));
            }
            copy("comparison", all.resolve("comparison.json"));
            copy("evaluation", run.resolve("final.json"));
            reader.read(input, all);
        };
    }

    private static void copy(String target, Path to) throws IOException {
        Files.copy(Target.resource(target).resolve("valid"), to,
                StandardCopyOption.REPLACE_EXISTING);
    }
}
