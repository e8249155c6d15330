// SPDX-License-Identifier: Apache-2.0
package io.eslm.course;

import io.eslm.shell.Script;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The code of a chapter: all blocks of a Markdown file that are marked as Java, run in order in one shell. A comment that begins with
 * {@code ==>} says what the shell shows for the snippet before it, one that begins with {@code prints} what it prints; comments on the
 * lines below go on with it. In both, … stands for anything, and ≈ before a number for 2 % more or less.
 */
final class Chapter {
    private static final double NEAR = 0.02;
    private static final Pattern EXPECTATION = Pattern.compile("//\\s*(==>|prints)(.*)");
    private static final Pattern SOFT = Pattern.compile("…|≈(-?[0-9.]+(?:[eE][-+]?[0-9]+)?)");
    private static final String NUMBER = "(-?[0-9.]+(?:[eE][-+]?[0-9]+)?)";

    /** A block of code. {@code line} of the file is the one before its first. */
    record Block(int line, String code) {
    }

    /** What a snippet did; {@code line} of the block is the last that it is on, from 0. */
    private record Did(int line, String value, String printed) {
    }

    private final Path file;
    private final List<String> faults = new ArrayList<>();
    private final StringBuilder transcript = new StringBuilder();

    private Chapter(Path file) {
        this.file = file;
    }

    /** The Java blocks of {@code file}. */
    static List<Block> blocks(Path file) throws IOException {
        List<Block> blocks = new ArrayList<>();
        StringBuilder code = null;
        int line = 0;
        int first = 0;
        for (String text : Files.readAllLines(file)) {
            line++;
            if (code == null && text.equals("```java")) {
                code = new StringBuilder();
                first = line;
            } else if (code != null && text.equals("```")) {
                blocks.add(new Block(first, code.toString()));
                code = null;
            } else if (code != null) {
                code.append(text).append('\n');
            }
        }
        return blocks;
    }

    /** Runs the blocks of {@code file}; returns how what they show differs from what the file says. */
    static List<String> run(Script shell, Path file) throws IOException {
        return run(shell, file, new StringBuilder());
    }

    /** {@link #run(Script, Path)}, which also writes down the code with what it really shows. */
    static List<String> run(Script shell, Path file, StringBuilder transcript) throws IOException {
        Chapter chapter = new Chapter(file);
        for (Block block : blocks(file)) {
            chapter.run(shell, block);
        }
        transcript.append(chapter.transcript);
        return chapter.faults;
    }

    private void run(Script shell, Block block) {
        List<Did> did = new ArrayList<>();
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream before = System.out;
        try (PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8)) {
            System.setOut(out);
            shell.run(file.getFileName().toString(), block.code, block.line, done -> {
                out.flush();
                int line = lines(block.code.substring(0, done.end()).stripTrailing());
                did.add(new Did(line, done.value() == null ? "" : done.value(),
                        printed.toString(StandardCharsets.UTF_8)));
                printed.reset();
            });
        } finally {
            System.setOut(before);
        }
        compare(block, did);
    }

    private static int lines(String text) {
        return (int) text.chars().filter(c -> c == '\n').count();
    }

    private void compare(Block block, List<Did> did) {
        List<String> lines = block.code.lines().toList();
        boolean[] shown = new boolean[did.size()];
        for (int i = 0; i < lines.size(); i++) {
            Matcher expectation = EXPECTATION.matcher(lines.get(i));
            if (expectation.find()) {
                int at = last(did, i);
                StringBuilder expected = new StringBuilder(expectation.group(2).strip());
                for (int j = i + 1; j < lines.size() && isMore(lines.get(j)); j++) {
                    expected.append('\n').append(lines.get(j).strip().substring(2).replaceFirst("^ ", ""));
                }
                boolean prints = expectation.group(1).equals("prints");
                shown[at] |= prints;
                check(block.line + i + 1, expected.toString(), prints ? did.get(at).printed : did.get(at).value);
            }
        }
        for (int i = 0; i < did.size(); i++) {
            Did d = did.get(i);
            transcript.append("---- line ").append(block.line + d.line + 1).append(": ").append(lines.get(d.line))
                    .append('\n')
                    .append(d.printed).append(d.value.isEmpty() ? "" : "==> " + d.value + "\n");
            if (!d.printed.isEmpty() && !shown[i]) {
                faults.add(
                        file + ":" + (block.line + d.line + 1) + ": prints what the text does not show:\n" + d.printed);
            }
        }
    }

    private static boolean isMore(String line) {
        return line.strip().startsWith("//") && !EXPECTATION.matcher(line).find();
    }

    private static int last(List<Did> did, int line) {
        int at = 0;
        while (at + 1 < did.size() && did.get(at + 1).line <= line) {
            at++;
        }
        return at;
    }

    private void check(int line, String expected, String actual) {
        String want = trimmed(expected);
        String got = trimmed(actual);
        StringBuilder pattern = new StringBuilder();
        List<Double> numbers = new ArrayList<>();
        Matcher soft = SOFT.matcher(want);
        int from = 0;
        while (soft.find()) {
            pattern.append(Pattern.quote(want.substring(from, soft.start())))
                    .append(soft.group(1) == null ? ".*?" : NUMBER);
            from = soft.end();
            if (soft.group(1) != null) {
                numbers.add(Double.valueOf(soft.group(1)));
            }
        }
        pattern.append(Pattern.quote(want.substring(from)));
        Matcher match = Pattern.compile(pattern.toString(), Pattern.DOTALL).matcher(got);
        boolean equal = match.matches();
        for (int i = 0; equal && i < numbers.size(); i++) {
            equal = Math.abs(Double.parseDouble(match.group(i + 1)) - numbers.get(i)) <= NEAR
                    * Math.abs(numbers.get(i));
        }
        if (!equal) {
            faults.add(file + ":" + line + ": the text shows\n" + want + "\nbut the shell\n" + got);
        }
    }

    private static String trimmed(String text) {
        return text.lines().map(String::stripTrailing).reduce((a, b) -> a + "\n" + b).orElse("").strip();
    }
}
