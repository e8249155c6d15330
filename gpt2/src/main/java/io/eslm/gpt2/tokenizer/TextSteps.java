// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import com.google.gson.JsonObject;
import io.eslm.gpt2.tokenizer.Splitters.Behaviour;
import io.eslm.gpt2.tokenizer.Splitters.ByteLevel;
import io.eslm.gpt2.tokenizer.Splitters.Prepend;
import io.eslm.gpt2.tokenizer.Splitters.Splitter;
import io.eslm.tensor.io.Json;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;

/** The steps of a {@code tokenizer.json} around its model: normaliser, pre-tokenizer, decoder. */
final class TextSteps {
    private final Json root;

    TextSteps(Json root) {
        this.root = root;
    }

    private static Json child(Json json, String field) {
        return json.has(field) && json.object().get(field) instanceof JsonObject ? json.child(field) : null;
    }

    // ---- before the model

    UnaryOperator<String> normalizer() {
        Json step = child(root, "normalizer");
        return step == null ? UnaryOperator.identity() : normalizer(step);
    }

    private UnaryOperator<String> normalizer(Json step) {
        String type = step.required("type", String.class);
        return switch (type) {
            case "Sequence" -> {
                List<UnaryOperator<String>> steps =
                        step.children("normalizers").stream().map(this::normalizer).toList();
                yield text -> {
                    String out = text;
                    for (UnaryOperator<String> s : steps) {
                        out = s.apply(out);
                    }
                    return out;
                };
            }
            case "NFC", "NFD", "NFKC", "NFKD" -> {
                Normalizer.Form form = Normalizer.Form.valueOf(type);
                yield text -> Normalizer.normalize(text, form);
            }
            // Character by character, as Hugging Face: Java writes a sigma at the end of a word differently.
            case "Lowercase" -> text -> text.codePoints().mapToObj(c -> Character.toString(c).toLowerCase(Locale.ROOT))
                    .collect(Collectors.joining());
            case "Prepend" -> {
                String prefix = step.required("prepend", String.class);
                yield text -> text.isEmpty() ? text : prefix + text;
            }
            case "Replace" -> {
                Pattern pattern = pattern(step);
                String content = Matcher.quoteReplacement(step.required("content", String.class));
                yield text -> pattern.matcher(text).replaceAll(content);
            }
            default -> throw step.wrong("type",
                    "expected one of Sequence, NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Replace, which are the normalisers known");
        };
    }

    private static Pattern pattern(Json step) {
        Json pattern = step.child("pattern");
        if (pattern.has("String")) {
            return Pattern.compile(Pattern.quote(pattern.required("String", String.class)));
        }
        try {
            return Splitters.pattern(pattern.required("Regex", String.class));
        } catch (PatternSyntaxException e) {
            throw pattern.wrong("Regex", "expected a regular expression that Java can read: " + e.getDescription());
        }
    }

    /** The steps that cut a text; a last one that makes bytes is {@link #byteLevel}. */
    Splitter splitter() {
        List<Splitter> steps = preTokenizers();
        return Splitters.sequence(byteLevel() == null ? steps : steps.subList(0, steps.size() - 1));
    }

    /** The step that makes bytes of pieces, or null if the vocabulary is one of characters. */
    ByteLevel byteLevel() {
        List<Splitter> steps = preTokenizers();
        return !steps.isEmpty() && steps.getLast() instanceof ByteLevel last ? last : null;
    }

    private List<Splitter> preTokenizers() {
        List<Splitter> steps = new ArrayList<>();
        Json step = child(root, "pre_tokenizer");
        if (step != null) {
            addSplitters(step, steps);
        }
        return steps;
    }

    private static void addSplitters(Json step, List<Splitter> out) {
        if (step.required("type", String.class).equals("Sequence")) {
            step.children("pretokenizers").forEach(s -> addSplitters(s, out));
        } else {
            out.add(splitter(step));
        }
    }

    private static Splitter splitter(Json step) {
        return switch (step.required("type", String.class)) {
            case "ByteLevel" -> new ByteLevel(step.optional("add_prefix_space", Boolean.class, true),
                    step.optional("use_regex", Boolean.class, true));
            case "Split" -> Splitters.at(pattern(step), behaviour(step), step.optional("invert", Boolean.class, false));
            case "Digits" -> Splitters.at(
                    Splitters.pattern(step.optional("individual_digits", Boolean.class, false) ? "\\p{N}" : "\\p{N}+"),
                    Behaviour.ISOLATED, false);
            case "Metaspace" -> metaspace(step);
            default -> throw step.wrong("type",
                    "expected one of Sequence, ByteLevel, Split, Digits, Metaspace, which are the pre-tokenizers known");
        };
    }

    private static Behaviour behaviour(Json step) {
        return switch (step.required("behavior", String.class)) {
            case "Isolated" -> Behaviour.ISOLATED;
            case "Removed" -> Behaviour.REMOVED;
            case "MergedWithPrevious" -> Behaviour.MERGED_WITH_PREVIOUS;
            case "MergedWithNext" -> Behaviour.MERGED_WITH_NEXT;
            case "Contiguous" -> Behaviour.CONTIGUOUS;
            default -> throw step.wrong("behavior",
                    "expected Isolated, Removed, MergedWithPrevious, MergedWithNext or Contiguous");
        };
    }

    private static Splitter metaspace(Json step) {
        return Splitters.metaspace(step.optional("replacement", String.class, "\u2581"), prepend(step),
                step.optional("split", Boolean.class, true));
    }

    /** Older files say {@code add_prefix_space}. */
    private static Prepend prepend(Json step) {
        if (!step.has("prepend_scheme")) {
            return step.optional("add_prefix_space", Boolean.class, true) ? Prepend.ALWAYS : Prepend.NEVER;
        }
        return switch (step.required("prepend_scheme", String.class)) {
            case "always" -> Prepend.ALWAYS;
            case "never" -> Prepend.NEVER;
            case "first" -> Prepend.FIRST;
            default -> throw step.wrong("prepend_scheme", "expected always, never or first");
        };
    }

    // ---- after it

    /** True if the vocabulary is written in {@link ByteChars}. */
    boolean isByteLevel() {
        return decoders().stream().anyMatch(s -> type(s).equals("ByteLevel"));
    }

    private static String type(Json step) {
        return step.required("type", String.class);
    }

    private List<Json> decoders() {
        Json step = child(root, "decoder");
        return step == null ? List.of() : type(step).equals("Sequence") ? step.children("decoders") : List.of(step);
    }

    /** The bytes that a token of the vocabulary stands for. */
    Function<String, byte[]> decoder() {
        List<UnaryOperator<String>> replacements = new ArrayList<>();
        boolean fallback = false;
        for (Json step : decoders()) {
            switch (type(step)) {
                case "ByteLevel" -> {
                    return token -> {
                        byte[] bytes = ByteChars.bytes(token);
                        return bytes == null ? token.getBytes(StandardCharsets.UTF_8) : bytes;
                    };
                }
                case "Metaspace" -> {
                    String mark = step.optional("replacement", String.class, "\u2581");
                    replacements.add(token -> token.replace(mark, " "));
                }
                case "Replace" -> {
                    Pattern pattern = pattern(step);
                    String content = Matcher.quoteReplacement(step.required("content", String.class));
                    replacements.add(token -> pattern.matcher(token).replaceAll(content));
                }
                case "ByteFallback" -> fallback = true;
                case "Fuse", "Strip" -> {
                    // about the whole text: see stripsSpace
                }
                default -> throw step.wrong("type",
                        "expected one of Sequence, ByteLevel, Metaspace, Replace, ByteFallback, Fuse, Strip, which are the decoders known");
            }
        }
        boolean bytes = fallback;
        return token -> {
            if (bytes && token.matches("<0x[0-9A-Fa-f]{2}>")) {
                return new byte[] {(byte) Integer.parseInt(token.substring(3, 5), 16)};
            }
            String text = token;
            for (UnaryOperator<String> replacement : replacements) {
                text = replacement.apply(text);
            }
            return text.getBytes(StandardCharsets.UTF_8);
        };
    }

    /** True if decoding drops one space at the start of a text. */
    boolean stripsSpace() {
        for (Json step : decoders()) {
            if (type(step).equals("Metaspace")) {
                return prepend(step) != Prepend.NEVER;
            }
            if (type(step).equals("Strip") && step.optional("content", String.class, " ").equals(" ")
                    && step.count("start") == 1) {
                return true;
            }
        }
        return false;
    }
}
