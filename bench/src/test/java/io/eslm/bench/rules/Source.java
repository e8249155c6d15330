// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.rules;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.LiteralTree;
import com.sun.source.tree.MemberSelectTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreePathScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/**
 * What the rules need to know of one source file, as the compiler's own parser sees it.
 *
 * @param path relative to the repository, with slashes
 * @param names every dotted name in the code and in its imports; comments and strings are not code
 * @param strings the values of all string literals
 */
record Source(String path, String text, Set<String> names, List<String> strings, List<Method> methods) {
    /** A method or constructor and its length from the first modifier to the closing brace. */
    record Method(String name, long lines) {}

    /** The part of the path before {@code /src/}: tensor, tensor/tornado, autograd, … */
    String module() {
        return path.substring(0, path.indexOf("/src/"));
    }

    boolean inMain() { return path.contains("/src/main/"); }

    long lineCount() { return text.lines().count(); }

    /** All sources of the modules that exist. */
    static List<Source> all(Path root) {
        return Rules.MODULES.stream()
                .map(module -> root.resolve(module).resolve("src"))
                .filter(Files::isDirectory)
                .flatMap(Source::javaFiles)
                .map(file -> parse(root.relativize(file).toString().replace('\\', '/'), read(file)))
                .toList();
    }

    static Source parse(String path, String text) {
        var file = new SimpleJavaFileObject(URI.create("string:///" + path), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) { return text; }
        };
        var task = (JavacTask) ToolProvider.getSystemJavaCompiler()
                .getTask(null, null, _ -> {}, List.of("-proc:none"), null, List.of(file));
        var names = new TreeSet<String>();
        var strings = new ArrayList<String>();
        var methods = new ArrayList<Method>();
        try {
            for (var unit : task.parse()) {
                new Scanner(unit, Trees.instance(task).getSourcePositions(), names, strings, methods)
                        .scan(unit, null);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Source(path, text, names, strings, methods);
    }

    private static Stream<Path> javaFiles(Path folder) {
        try (var files = Files.walk(folder)) {
            return files.filter(f -> f.toString().endsWith(".java")).sorted().toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static final class Scanner extends TreePathScanner<Void, Void> {
        private static final Pattern DOTTED = Pattern.compile("[\\w.*]+");

        private final CompilationUnitTree unit;
        private final SourcePositions positions;
        private final Set<String> names;
        private final List<String> strings;
        private final List<Method> methods;

        Scanner(CompilationUnitTree unit, SourcePositions positions, Set<String> names, List<String> strings,
                List<Method> methods) {
            this.unit = unit;
            this.positions = positions;
            this.names = names;
            this.strings = strings;
            this.methods = methods;
        }

        @Override
        public Void visitMemberSelect(MemberSelectTree select, Void p) {
            var name = select.toString();
            if (DOTTED.matcher(name).matches()) {
                names.add(name);
                return null;
            }
            return super.visitMemberSelect(select, p);
        }

        @Override
        public Void visitLiteral(LiteralTree literal, Void p) {
            if (literal.getValue() instanceof String text) {
                strings.add(text);
            }
            return super.visitLiteral(literal, p);
        }

        @Override
        public Void visitMethod(MethodTree method, Void p) {
            long first = unit.getLineMap().getLineNumber(positions.getStartPosition(unit, method));
            long last = unit.getLineMap().getLineNumber(positions.getEndPosition(unit, method));
            var owner = (ClassTree) getCurrentPath().getParentPath().getLeaf();
            var name = method.getReturnType() == null ? owner.getSimpleName() : method.getName();
            methods.add(new Method(name.toString(), last - first + 1));
            return super.visitMethod(method, p);
        }
    }
}
