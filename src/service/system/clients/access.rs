//! What the faces ask of tokens, through the actors.

use crate::domain::access::Principal;
use crate::domain::access::register::TokenOrder;
use crate::service::runtime::client::ServiceError;
use crate::service::system::tree::Supervised;

impl Supervised {
    /// Carries out an order of `by` on the tokens, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn order_token(&self, order: TokenOrder, by: Principal) -> Result<(), ServiceError> {
        self.tokens.execute((order, by)).await
    }
}
