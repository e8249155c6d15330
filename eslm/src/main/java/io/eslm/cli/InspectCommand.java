// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import picocli.CommandLine.Mixin;
import io.eslm.gpt2.tokenizer.TokenTexts;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.train.Objective;
import io.eslm.inspect.Inspector;
import io.eslm.inspect.NameTable;
import io.eslm.select.MethodSpec;
import io.eslm.select.token.TokenScores;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Shows what a model does with a text, or writes its activations and gradients. */
@Command(name = "inspect",
        header = "Looks inside a model at work on a text: one page to explore, or activations and gradients in a file.",
        description = {"",
            "The page needs no network. It shows the tokens by loss, entropy or rank, and whom a level of value-at-risk drops; the "
                    + "attention of every head; the likeliest token after each block (logit lens); norms; what excites a neuron; "
                    + "and with --backward gradients.",
            "A model sees at most block_size tokens at once. N tokens are N - 1 positions: the last token is only a target. "
                    + "Gradients are of the mean loss over all predicted tokens, or of the loss of --method.",
            ""},
        footer = {"", "Examples:",
            "  eslm inspect --model runs/jdk-cvar-loss-0.1 --text \"Returns the number of elements\" --out page.html",
            "  eslm inspect --model gpt2/ --file story.txt --method cvar-loss:alpha=0.3 --backward --out page.html",
            "  eslm inspect --model gpt2/ --tokens ids.txt --export 'blocks.*.attn.pattern,logits' --out look.safetensors",
            "  eslm inspect --names"})
final class InspectCommand extends EslmCommand {
    private static final Option<String> METHOD = Option.text("method", "METHOD",
            "a training method with its settings, NAME:key=value,key=value: whose choice of tokens and gradients to show");

    @ArgGroup(multiplicity = "0..1")
    private InputTokens input;
    @Mixin
    private NoSpecial noSpecial;
    @CommandLine.Option(names = "--out", paramLabel = "FILE", description = "the file to write")
    private Path out;
    @CommandLine.Option(names = "--backward", description = "show gradients on the page, which takes a backward pass")
    private boolean backward;
    @CommandLine.Option(names = "--export", paramLabel = "NAMES", split = ",",
            description = "write these as safetensors instead of the page: names of activations, separated by commas; * stands "
                    + "for any characters, .grad at the end for the gradient")
    private List<String> export;
    @CommandLine.Option(names = "--names", description = "list the names and shapes, and do nothing else")
    private boolean names;

    @Override
    protected void declare(CommandSpec command) {
        options.add(command, "", List.of(DeclaredOptions.MODEL, METHOD)).add(command, "", DeclaredOptions.BACKEND);
    }

    @Override
    protected int run(Terminal screen) {
        return names ? list(screen) : look(screen);
    }

    private int list(Terminal screen) {
        Map<String, String> all = NameTable.symbolic();
        if (options.has(DeclaredOptions.MODEL)) {
            Gpt2Config config = ModelFolder.config(options.get(DeclaredOptions.MODEL));
            all = NameTable.of(config, Optional.ofNullable(input)
                    .map(_ -> read(screen, config, texts(options.get(DeclaredOptions.MODEL)))));
        }
        int width = all.keySet().stream().mapToInt(String::length).max().orElseThrow();
        all.forEach((name, shape) -> screen.result(String.format(Locale.ROOT, "%-" + width + "s  %s", name, shape)));
        screen.note(NameTable.LETTERS);
        return 0;
    }

    private int look(Terminal screen) {
        require(options.has(DeclaredOptions.MODEL), "Missing required option: '--model=DIR'");
        require(input != null, "Missing required option: (--text=TEXT | --file=FILE | --tokens=FILE)");
        require(out != null, "Missing required option: '--out=FILE'");
        require(export == null || !backward, "--backward belongs to the page; name gradients in --export: NAME.grad");
        checkOut();
        Path folder = options.get(DeclaredOptions.MODEL);
        Gpt2Config config = ModelFolder.config(folder);
        TokenTexts texts = texts(folder);
        int[] ids = read(screen, config, texts);
        TokenScores.check(config, ids);
        Optional<MethodSpec> method = options.find(METHOD).map(MethodSpec::parse);
        method.ifPresent(spec -> spec.check(config));
        long start = System.nanoTime();
        try (Backend backend = options.openBackend()) {
            Gpt2 model = ModelFolder.load(folder, backend);
            Optional<Objective> objective =
                    method.map(spec -> spec.objective(other -> ModelFolder.load(other, backend)));
            Inspector inspector = new Inspector(model, ids, texts, objective);
            String what;
            if (export == null) {
                inspector.writePage(out, folder.toAbsolutePath().normalize().getFileName().toString(), backward);
                what = "open it in a browser";
            } else {
                what = inspector.export(out, export.stream().map(String::strip).toList()).size() + " tensors";
            }
            screen.note(String.format(Locale.ROOT, "%s: %,d tokens, %.1f MB in %s; %s", out, ids.length, megabytes(out),
                    LogLines.duration((System.nanoTime() - start) * 1e-9), what));
        }
        return 0;
    }

    private void require(boolean fulfilled, String message) {
        if (!fulfilled) {
            throw new ParameterException(spec.commandLine(), message);
        }
    }

    private static TokenTexts texts(Path folder) {
        return new TokenTexts(ModelFolder.tokenizer(folder));
    }

    /** Before any work. */
    private void checkOut() {
        Path parent = out.toAbsolutePath().getParent();
        if (Files.isDirectory(out)) {
            throw new UserError("--out " + out + ": is a folder; name a file to write");
        }
        if (!Files.isDirectory(parent)) {
            throw new UserError("--out " + out + ": there is no folder " + parent);
        }
    }

    /** The tokens; for a page, those that the model sees at once. */
    private int[] read(Terminal screen, Gpt2Config config, TokenTexts texts) {
        int[] ids = input.ids(texts, noSpecial, screen);
        int most = config.blockSize() + 1;
        if (ids.length <= most || export != null) {
            return ids;
        }
        screen.note(
                String.format(Locale.ROOT, "note: the text has %,d tokens; the page shows the first %,d, because the "
                        + "model sees %,d at once", ids.length, most, config.blockSize()));
        return Arrays.copyOf(ids, most);
    }

    private static double megabytes(Path file) {
        try {
            return Files.size(file) * 1e-6;
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        }
    }
}
