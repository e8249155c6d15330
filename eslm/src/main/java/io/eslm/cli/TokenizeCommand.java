// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.checkpoint.ModelFolder;
import picocli.CommandLine.Mixin;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.io.Json;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** Shows the tokens of a text. */
@Command(name = "tokenize",
        header = "Shows the tokens of a text: their ids and pieces.",
        description = {"",
            "A special token's text, such as <|endoftext|>, is that token. None is added at the ends.",
            ""},
        footer = {"", "Examples:", "  eslm tokenize --text \"Returns the\"",
            "  eslm tokenize --tokenizer llama/tokenizer.json --file README.md --json"})
final class TokenizeCommand extends EslmCommand {
    /** The text. */
    private static final class Source {
        @CommandLine.Option(names = "--text", required = true, paramLabel = "TEXT", description = "a text")
        private String text;
        @CommandLine.Option(names = "--file", required = true, paramLabel = "FILE",
                description = "a text in UTF-8; - is the standard input")
        private Path file;
    }

    @ArgGroup(multiplicity = "1")
    private Source source;
    @CommandLine.Option(names = "--tokenizer", paramLabel = "PATH", defaultValue = "gpt2",
            description = TokenizeCommand.TOKENIZER)
    private String tokenizer;
    @Mixin
    private NoSpecial noSpecial;
    @CommandLine.Option(names = "--json", order = Options.LATE,
            description = "one line: {\"ids\",\"pieces\",\"bytes\"}")
    private boolean json;

    static final String TOKENIZER =
            "a folder of a model or of prepared data, a tokenizer.json, nanoGPT's meta.pkl, a rank file of "
                    + "tiktoken, or one of the words gpt2, jdk and bytes (default: gpt2)";

    @Override
    protected void declare(CommandSpec command) {
        // no declared options
    }

    @Override
    protected int run(Terminal screen) {
        Tokenizer t = ModelFolder.tokenizerAt(tokenizer);
        String text = source.file == null ? source.text : Texts.read(source.file);
        int[] ids = noSpecial.encode(t, text);
        int bytes = text.getBytes(StandardCharsets.UTF_8).length;
        if (json) {
            JsonObject line = new JsonObject();
            JsonArray numbers = new JsonArray();
            JsonArray pieces = new JsonArray();
            for (int id : ids) {
                numbers.add(id);
                pieces.add(t.text(id));
            }
            line.add("ids", numbers);
            line.add("pieces", pieces);
            line.addProperty("bytes", bytes);
            screen.result(line);
            return 0;
        }
        for (int id : ids) {
            screen.result(String.format(Locale.ROOT, "%7d  %s", id, quoted(t.text(id))));
        }
        screen.note(String.format(Locale.ROOT, "%,d tokens, %,d bytes; %s", ids.length, bytes, t.description()));
        return 0;
    }

    /** In JSON's spelling, so that spaces and line ends show. */
    private static String quoted(String piece) {
        JsonObject o = new JsonObject();
        o.addProperty("p", piece);
        String line = Json.line(o);
        return line.substring("{\"p\":".length(), line.length() - 1);
    }
}
