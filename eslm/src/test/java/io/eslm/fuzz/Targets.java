// SPDX-License-Identifier: Apache-2.0
package io.eslm.fuzz;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import io.eslm.cli.CliReaders;
import io.eslm.compare.CompareReaders;
import io.eslm.compare.Comparison;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.ModelReaders;
import io.eslm.gpt2.data.DataReaders;
import io.eslm.gpt2.data.source.SourceReaders;
import io.eslm.gpt2.format.FormatReaders;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.gpt2.tokenizer.TokenizerReaders;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.ReportReaders;
import io.eslm.run.RunReaders;
import io.eslm.select.MethodSpec;
import io.eslm.serve.ServeReaders;
import io.eslm.task.TaskReaders;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.ScalarBackend;
import io.eslm.tensor.backend.vector.VectorReaders;
import io.eslm.tensor.io.Safetensors;
import io.eslm.tensor.io.TensorReaders;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Every reader of the program. A new one is a line here, and a folder with at least one valid input. */
final class Targets {
    private static final Backend SCALAR = new ScalarBackend();
    private static final Gpt2Tokenizer TOKENIZER = new Gpt2Tokenizer();
    private static final Encoding REFERENCE =
            Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.R50K_BASE);

    private static final List<Option<?>> OPTIONS =
            Stream.of(TrainOptions.GROUP, Gpt2Config.GROUP).flatMap(group -> group.options().stream()).toList();

    static final List<Target> ALL = List.of(
            Target.of("safetensors", Targets::safetensors),
            Target.of("weights", ModelReaders::weights),
            Target.of("model-config", ModelReaders::config),
            Target.of("trainer-state", ModelReaders::state),
            Target.of("meta", DataReaders::meta),
            Target.of("tokens", DataReaders::tokens),
            Target.of("tokenizer-json", TokenizerReaders::json).weighing(10).allocating(1 << 18, 2048),
            Target.of("pickle", TokenizerReaders::pickle),
            Target.of("torch", FormatReaders::torch),
            Target.of("gguf", FormatReaders::gguf),
            Target.of("llmc", FormatReaders::llmc),
            Target.of("ranks", TokenizerReaders::ranks).weighing(10).allocating(1 << 18, 2048),
            Target.ofFile("characters", TokenizerReaders::characters),
            // An error names all methods.
            Target.of("method", text(MethodSpec::parse)).allocating(1 << 17, 128),
            // a character that is shown as eight in the page
            Target.of("window", ReportReaders::window).weighing(10).allocating(1 << 16, 256),
            // 16 bytes are a point of two curves, and each has a circle whose tip says 80 chars of the name and three numbers;
            // a char that is shown by its number has eight
            Target.of("chart", ReportReaders::chart).weighing(5).allocating(1 << 17, 4096),
            // an error for each option, with its trace and a copy of the text
            Target.of("option", text(Targets::option)).allocating(OPTIONS.size() * 8192L, OPTIONS.size() * 16),
            // three matchers for each line, and a line may be empty
            Target.of("groff", text(DataReaders::groff)).weighing(10).allocating(1 << 16, 512),
            // a syntax tree, and a comment of it in pieces
            Target.of("java", text(DataReaders::java)).weighing(10).allocating(1 << 16, 512),
            Target.of("javadoc", text(DataReaders::javadoc)).weighing(5).allocating(1 << 16, 512),
            // both tokenizers, and a list of merges for each char
            Target.of("tokenizer", text(Targets::tokenizer)).weighing(10).allocating(1 << 16, 1024),
            // these compare copies of copies of the text
            Target.of("shell-words", text(CliReaders::shellWords)).weighing(10).allocating(1 << 16, 512),
            Target.of("visible", anyText(ReportReaders::visible)).weighing(10).allocating(1 << 16, 512),
            Target.of("html", anyText(ReportReaders::html)).weighing(10).allocating(1 << 16, 512),
            Target.of("table", anyText(ReportReaders::table)).weighing(10).allocating(1 << 16, 512),
            // classes that the first input loads
            Target.ofFile("arguments", CliReaders::arguments).allocating(1 << 19, 256),
            // The library's parser keeps what it has learned about the grammar, and learns most from its first files.
            Target.ofFile("config", CliReaders::config).allocating(1 << 25, 1 << 15),
            Target.ofFile("sealed", TensorReaders::sealed),
            Target.ofFile("weight-index", inCheckpoint(ModelReaders::index)),
            Target.ofFile("manifest", inCheckpoint(ModelReaders::manifest)),
            Target.ofFile("adapter-config", inCheckpoint(ModelReaders::adapters)),
            Target.ofFile("index", DataReaders::index),
            // blocks of 256 KB of the file and their copies, and a reader of JSON for each line
            Target.ofFile("json-lines", records("a.jsonl")).allocating(1 << 22, 2048),
            Target.ofFile("json-array", records("a.json")).allocating(1 << 22, 2048),
            // the first line is tried with each separator
            Target.ofFile("csv", records("a.csv")).allocating(1 << 22, 512),
            // a byte becomes up to a thousand
            Target.ofFile("gzip", records("a.jsonl.gz")).allocating(1 << 22, 1 << 18),
            Target.ofFile("zstd", records("a.jsonl.zst")).allocating(1 << 22, 1 << 18),
            // a page may claim 40,000 times its bytes
            Target.ofFile("parquet", records("a.parquet")).weighing(1).allocating(1 << 26, 1 << 16),
            Target.ofFile("parquet-rows", TaskReaders::rows).weighing(1).allocating(1 << 26, 1 << 16),
            // nine readings, each with blocks of 256 KB
            Target.ofFile("task", TaskReaders::examples).weighing(5).allocating(1 << 24, 1 << 15),
            Target.of("data-spec", text(DataReaders::spec)).allocating(1 << 17, 2048),
            // the error and its JSON, and a prompt's tokens: a text becomes ids, words and their pieces
            Target.of("completion", ServeReaders::completion).weighing(10).allocating(1 << 17, 1024),
            Target.ofFile("peaks", VectorReaders::peaks),
            Target.ofFile("holder", RunReaders::holder),
            // two readings, each with buffers of 128 KB and as many chars
            Target.of("text", SourceReaders::text).weighing(10).allocating(1 << 20, 512),
            Target.ofPage("run-config", inRun(ReportReaders::config)),
            // a reader of JSON for each line, and {} is one
            Target.ofPage("metrics", inRun(ReportReaders::metrics)).allocating(3 << 19, 2048),
            // This page has its scripts in it, 80 KB.
            Target.ofPage("comparison", inComparison(CompareReaders::settings)).allocating(1 << 22, 512),
            Target.ofPage("evaluation", inComparison(CompareReaders::evaluation)).allocating(1 << 22, 512),
            Target.ofPage("compared-tasks", inComparison(CompareReaders::tasks)).allocating(1 << 22, 512));

    private Targets() {
    }

    /** The one that {@code name} says. */
    static Target named(String name) {
        return ALL.stream().filter(target -> target.name().equals(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no reader " + name + ", but " + ALL));
    }

    private static Consumer<byte[]> text(Consumer<String> reader) {
        return bytes -> reader.accept(new String(bytes, StandardCharsets.UTF_8));
    }

    /** Both as UTF-8 and as chars, whose surrogates need not be pairs. */
    private static Consumer<byte[]> anyText(Consumer<String> reader) {
        return bytes -> {
            reader.accept(new String(bytes, StandardCharsets.UTF_8));
            CharBuffer chars = ByteBuffer.wrap(bytes).asCharBuffer();
            reader.accept(chars.toString());
        };
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
        for (Option<?> option : OPTIONS) {
            try {
                option.parse(text);
            } catch (UserError _) {
                // another option may take it
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

    private static Target.Reader records(String name) {
        return (bytes, folder) -> SourceReaders.file(name, bytes, folder);
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

    /** A checkpoint whose other files are valid, each by itself. */
    private static Target.Reader inCheckpoint(Target.Reader reader) {
        return (input, folder) -> {
            Path checkpoint = folder.resolve("step-5");
            if (Files.notExists(checkpoint)) {
                Files.createDirectories(checkpoint);
                copy("model-config", checkpoint.resolve("config.json"));
                copy("weights", checkpoint.resolve("model.safetensors"));
                copy("weights", checkpoint.resolve("optimizer.safetensors"));
                copy("trainer-state", checkpoint.resolve("trainer.json"));
            }
            reader.read(input, checkpoint);
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
