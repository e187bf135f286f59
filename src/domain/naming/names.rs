//! The lists behind the rules: providers and models.

/// Words for providers, and the name used in prices and events.
pub(super) const PROVIDERS: [(&str, &str); 47] = [
    ("anthropic", "anthropic"),
    ("claude-pro", "anthropic"),
    ("openai", "openai"),
    ("openai-codex", "openai"),
    ("codex", "openai"),
    ("chatgpt", "openai"),
    ("google", "gemini"),
    ("gemini", "gemini"),
    ("google-generative-ai", "gemini"),
    ("gemini-cli", "gemini"),
    ("google-antigravity", "gemini"),
    ("google-vertex", "vertex"),
    ("google-vertex-anthropic", "vertex"),
    ("vertex", "vertex"),
    ("vertex_ai", "vertex"),
    ("amazon-bedrock", "bedrock"),
    ("bedrock", "bedrock"),
    ("azure", "azure"),
    ("azure-openai", "azure"),
    ("azure_ai", "azure"),
    ("moonshot", "moonshot"),
    ("moonshotai", "moonshot"),
    ("kimi-for-coding", "moonshot"),
    ("kimi-code", "moonshot"),
    ("xai", "xai"),
    ("x-ai", "xai"),
    ("grok", "xai"),
    ("zai", "zai"),
    ("z-ai", "zai"),
    ("zhipu", "zai"),
    ("zai-coding-plan", "zai"),
    ("mistral", "mistral"),
    ("mistralai", "mistral"),
    ("deepseek", "deepseek"),
    ("groq", "groq"),
    ("qwen", "alibaba"),
    ("alibaba", "alibaba"),
    ("openrouter", "openrouter"),
    ("github-copilot", "github-copilot"),
    ("copilot", "github-copilot"),
    ("opencode", "opencode"),
    ("vercel", "vercel"),
    ("litellm", "litellm"),
    ("together", "together"),
    ("fireworks", "fireworks"),
    ("ollama", "ollama"),
    ("lmstudio", "lmstudio"),
];

/// Canonical model names. Models of version 3 need their date: it distinguishes different models.
pub(super) const KNOWN: [&str; 21] = [
    "claude-fable-5",
    "claude-fable-5-1",
    "claude-haiku-4-5",
    "claude-haiku-5-5",
    "claude-mythos-5",
    "claude-mythos-5-1",
    "claude-mythos-preview",
    "claude-opus-4",
    "claude-opus-4-1",
    "claude-opus-4-5",
    "claude-opus-4-6",
    "claude-opus-4-7",
    "claude-opus-4-8",
    "claude-opus-5",
    "claude-opus-5-5",
    "claude-sonnet-4",
    "claude-sonnet-4-5",
    "claude-sonnet-4-6",
    "claude-sonnet-5",
    "claude-sonnet-5-5",
    "claude-3-5-sonnet-20241022",
];

/// Names that no rule resolves, and the canonical name.
pub(super) const ALIASES: [(&str, &str); 9] = [
    ("claude-sonnet-4-20250514", "claude-sonnet-4"),
    ("claude-opus-4-20250514", "claude-opus-4"),
    ("claude-sonnet-4-0", "claude-sonnet-4"),
    ("claude-opus-4-0", "claude-opus-4"),
    ("claude-4-sonnet-20250514", "claude-sonnet-4"),
    ("claude-4-opus-20250514", "claude-opus-4"),
    ("claude-4-sonnet", "claude-sonnet-4"),
    ("claude-4-opus", "claude-opus-4"),
    ("claude-3-5-sonnet-v2-20241022", "claude-3-5-sonnet-20241022"),
];

/// First words of each maker's model names, complete up to the first dash or digit.
const FAMILIES: [(&str, &str); 17] = [
    ("gpt", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("codex", "openai"),
    ("gemini", "gemini"),
    ("grok", "xai"),
    ("kimi", "moonshot"),
    ("moonshot", "moonshot"),
    ("deepseek", "deepseek"),
    ("glm", "zai"),
    ("qwen3", "alibaba"),
    ("qwen", "alibaba"),
    ("mistral", "mistral"),
    ("devstral", "mistral"),
    ("codestral", "mistral"),
    ("magistral", "mistral"),
];

/// The maker of a model, by the first word of its name.
pub(super) fn maker(model: &str) -> Option<&'static str> {
    let word = model.split('-').next().unwrap_or_default();
    FAMILIES.iter().find(|(family, _)| *family == word).map(|(_, maker)| *maker)
}
