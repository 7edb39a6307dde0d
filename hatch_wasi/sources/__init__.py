"""Where verified source trees and archives come from."""
